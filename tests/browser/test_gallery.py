"""The gallery in both colour schemes, and on a phone."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from hubs.testing.browser import violations
from tests.browser.axe import COLOURS, inject, problems, report
from tests.browser.screens import NAMES, gallery

#: The states of those widgets in which something lies on the heading.
_COVERED = """() => [...document.querySelectorAll(".widget")].filter((frame) => {
  const title = frame.querySelector(".panel-title");
  if (!title) return false;
  const range = document.createRange();
  range.selectNodeContents(title);
  const end = title.getBoundingClientRect().right;
  const parts = [...frame.querySelectorAll(".widget-tools > *")].map((part) => part.getBoundingClientRect());
  return [...range.getClientRects()].some((line) => parts.some((part) => part.width && part.left < line.right
    && part.left < end && line.left < part.right && part.top < line.bottom && line.top < part.bottom));
}).map((frame) => frame.dataset.state)"""
#: Whether something that is written in a drawing is too small to read.
_TINY = """() => [...document.querySelectorAll(".widget svg text")].some((text) => {
  const height = text.getBoundingClientRect().height;
  return height && height < 9;
})"""

#: Whether the last day of each calendar of activity lies inside its frame, which can be scrolled.
_LAST_DAY = """() => [...document.querySelectorAll(".scroll-end")].map((frame) => {
  const [box, last] = [frame, frame.querySelector("rect:last-of-type")].map((part) => part.getBoundingClientRect());
  return frame.scrollWidth > frame.clientWidth && box.left <= last.left && last.right <= box.right + 1;
})"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of an application with the gallery; nothing else is needed for it."""
    with gallery(tmp_path_factory.mktemp("gallery")) as address:
        yield address


@contextmanager
def phone(chromium: Browser, url: str) -> Iterator[Page]:
    """Give a page as narrow as the narrowest phone's."""
    viewport = ViewportSize(width=320, height=800)
    context = chromium.new_context(base_url=url, viewport=viewport, reduced_motion="reduce", color_scheme="light")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "names",
    [("", *NAMES[::3]), pytest.param((*NAMES[1::3], *NAMES[2::3]), marks=pytest.mark.slow)],
    ids=["some", "others"],
)
def test_every_widget_in_every_state_can_be_read_by_all(chromium: Browser, url: str, names: tuple[str, ...]) -> None:
    results, wide, covered, tiny = {}, [], [], []
    with phone(chromium, url) as page:
        for name in names:
            page.goto(f"/gallery/{name}")
            results[name] = violations(page, "main")
            if page.evaluate("document.documentElement.scrollWidth") > 320:
                wide.append(name)
            covered += [f"{name}: {state}" for state in page.evaluate(_COVERED)]
            if page.evaluate(_TINY):
                tiny.append(name)
    assert report(results) == ""
    assert wide == []
    assert covered == []
    assert tiny == []


@pytest.mark.slow
def test_every_widget_in_every_state_can_be_read_in_the_dark(chromium: Browser, url: str) -> None:
    results = {}
    with phone(chromium, url) as page:
        page.emulate_media(color_scheme="dark")
        for name in ("", *NAMES):
            page.goto(f"/gallery/{name}")
            results[name] = problems(inject(page), runOnly=COLOURS)
    assert report(results) == ""


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_calendar_of_activity_shows_its_newest_days(chromium: Browser, url: str, language: str) -> None:
    context = chromium.new_context(base_url=url, viewport={"width": 320, "height": 800}, locale=language)
    page = context.new_page()
    page.goto("/gallery/heatmap")
    seen = page.evaluate(_LAST_DAY)
    context.close()
    assert seen == [True] * 3
