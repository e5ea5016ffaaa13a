"""Chromium on the whole stack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.stack import Stack

#: Debian's Chromium without its windows, which needs two thirds of the time; the others are what a machine may have.
PROGRAMS = (
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",  # a process less for each browser
    # Drawing without a process of its own, and without animations (tests of these say so), takes a tenth less.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launch() -> Iterator[Browser]:
    """Run the Chromium of this machine."""
    program = next((path for path in PROGRAMS if Path(path).exists()), None)
    assert program, "Chromium is not installed: run tests/install-services"
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


Open = Callable[..., Page]

#: A journey by the same forms with JavaScript, and in `make test-full` also without it.
WITH_AND_WITHOUT_SCRIPTS = pytest.mark.parametrize("scripts", [True, pytest.param(False, marks=pytest.mark.slow)])


def wait_for(page: Page, happened: Callable[[], object]) -> None:
    """Let a page run until something has happened, at most for twenty seconds."""
    for _ in range(1000):
        if happened():
            return
        page.wait_for_timeout(20)
    pytest.fail("it has not happened within twenty seconds")


@pytest.fixture
def open_page(chromium: Browser, production: Stack) -> Iterator[Open]:
    """Give a function that opens a page in a browser of its own, signed in as ``username`` or as a visitor.

    Whatever the page complains about in its console fails the test.
    """
    contexts, complaints = [], []

    def open_page(path: str, username: str = "", **options: object) -> Page:
        context = chromium.new_context(base_url=production.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _complains(said) else None)
        if username:
            page.goto("/login")
            page.fill("#f-username", username)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("**/")
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def _complains(said: ConsoleMessage) -> bool:
    """Return whether a console message is about the page, and not about a response that the test provoked."""
    return said.type == "error" and "Failed to load resource" not in said.text and "net::ERR_" not in said.text


def live(page: Page) -> Page:
    """Wait until the page's stream is open."""
    page.wait_for_selector("[data-live=live]")
    return page


def open_menu(page: Page, name: str) -> Page:
    """Open the menu whose button has this name."""
    page.locator("summary", has_text=name).and_(page.locator("summary:visible")).first.click()
    return page
