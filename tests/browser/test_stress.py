"""Layout with the longest, oldest and most content: at all widths, in both colours and both directions."""

from collections.abc import Iterator
from itertools import product

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import open_everything, report, show_in
from tests.browser.layout import WIDTHS, layout_problems
from tests.browser.stress import build, stressed
from tests.pseudo import PSEUDO, pseudo_language

LANGUAGES = ("en", "de", PSEUDO)
PAGES = (
    "/t/long/",
    "/t/full/",
    "/t/unbroken/",
    "/t/arabic/",
    "/",
    "/stream/",
    "/me/",
    "/me/notices",
    "/me/bookmarks",
    "/teams/",
    "/people/",
    "/search?q=upgrades",
    "/t/long/activity",
    "/t/long/calendar",
    "/t/long/members",
    "/t/long/about",
    "/t/long/settings",
    "/t/long/edit",
    "/t/long/edit/add?side=left",
    "/t/long/history",
    "/t/long/announcements",
    "/u/rana/",
    "/me/notices?box=news",
)
#: What visitors see differs on these.
VISITED = ("/", "/t/long/")
#: Places of widgets within the page; how many of them are skipped.
BOXES = """() => [...document.querySelectorAll(".widget")].filter((frame) => frame.checkVisibility()).map((frame) => {
  const box = frame.getBoundingClientRect();
  return [box.left, box.top + scrollY, box.width, box.height].map((value) => Math.round(value));
})"""
SKIPPED = """() => [...document.querySelectorAll(".widget-icon")].filter(
  (element) => element.checkVisibility() && !element.checkVisibility({ contentVisibilityAuto: true }),
).length"""


class Window:
    """A browser with ``rana`` signed in, and one of a visitor."""

    def __init__(self, app: Flask, page: Page, visitor: Page) -> None:
        self.app, self.page, self.visitor = app, page, visitor
        self._built: set[str] = set()

    def open(self, path: str, language: str, *, visiting: bool = False) -> Page:
        """Open a page in a language, with everything on it, and with everything open."""
        if language not in self._built:
            build(self.app, language)
            self._built.add(language)
        page = self.visitor if visiting else self.page
        page.set_extra_http_headers({"Accept-Language": language})
        page.goto(path)
        expect(page.locator(".widget[data-state=loading] [data-load]")).to_have_count(0, timeout=20_000)
        open_everything(page)
        return page


@pytest.fixture(scope="module")
def window(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    with pseudo_language(), stressed(tmp_path_factory.mktemp("stressed")) as (app, address):
        page, visitor = (chromium.new_context(base_url=address, reduced_motion="reduce").new_page() for _ in range(2))
        page.goto("/login")
        page.fill("#f-username", "rana")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/")
        yield Window(app, page, visitor)
        page.context.close()
        visitor.context.close()


def turn(page: Page, direction: str) -> None:
    """Let the page run in a direction, whatever its language."""
    page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)


def test_a_page_of_long_old_and_foreign_content_keeps_its_layout(window: Window) -> None:
    page = window.open("/t/long/", PSEUDO)
    results = {}
    for width, scheme, direction in ((320, "light", "rtl"), (820, "dark", "ltr"), (1280, "light", "ltr")):
        show_in(page, scheme)
        turn(page, direction)
        results[width, scheme, direction] = layout_problems(page, width)
    assert report(results) == ""


def test_nothing_moves_on_a_long_page_whose_distant_widgets_are_skipped(window: Window) -> None:
    page = window.open("/t/full/", "en", visiting=True)
    page.set_viewport_size({"width": 1280, "height": 720})
    before = page.evaluate(BOXES)
    distant = page.locator(".distant")
    expect(distant).not_to_have_count(0)
    assert distant.count() > 20
    assert page.evaluate(BOXES) == before
    assert page.evaluate(SKIPPED) > 20
    last = page.locator(".below > .widget:visible").last
    last.scroll_into_view_if_needed()
    expect(last).not_to_have_class("widget distant")
    page.wait_for_timeout(300)
    assert page.evaluate(BOXES) == before
    # The page is laid out again for another width.
    page.set_viewport_size({"width": 390, "height": 720})
    expect(distant).to_have_count(0)
    expect(distant).not_to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "language"), list(product(PAGES, LANGUAGES)))
def test_pages_keep_their_layout_at_all_widths_in_both_colours_and_directions(
    window: Window, path: str, language: str
) -> None:
    assert report(everywhere(window.open(path, language))) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("path", "language"), list(product(VISITED, LANGUAGES)))
def test_pages_of_visitors_keep_their_layout_everywhere(window: Window, path: str, language: str) -> None:
    assert report(everywhere(window.open(path, language, visiting=True))) == ""


def everywhere(page: Page) -> dict[tuple[int, str, str], list[str]]:
    """Return what is wrong with a page at all widths, in both colours and both directions."""
    results = {}
    for scheme, direction in product(("light", "dark"), ("ltr", "rtl")):
        show_in(page, scheme)
        turn(page, direction)
        for width in WIDTHS:
            results[width, scheme, direction] = layout_problems(page, width)
    return results
