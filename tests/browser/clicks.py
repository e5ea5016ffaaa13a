"""Journeys are measured in clicks."""

import re

from playwright.sync_api import Page


class Clicks:
    """Clicks by role and name, the first if there are several, and counts; typing is none."""

    def __init__(self, page: Page) -> None:
        self._page, self.count = page, 0

    def __call__(self, role: str, name: str | re.Pattern[str]) -> None:
        self.count += 1
        self._page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]
