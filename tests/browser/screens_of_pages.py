"""Pictures of the pages of a running demo, to look at: ``make screens``, or ``python -m`` this module with a folder.

Each series has a folder; names of series and pages behind the folder choose some of them.
"""

import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.axe import show_in
from tests.browser.conftest import launch
from tests.integration.test_up import first_port, up
from tests.services import HOST

#: Height at which the picture of a long page is cut, in pixels.
MOST = 1800
#: Folder of each series, with the width of the window in pixels, the language and the colours.
SERIES = {
    "wide": (1280, "en", "light"),
    "wide-dark": (1280, "en", "dark"),
    "wide-de": (1280, "de", "light"),
    "wide-ar": (1280, "ar", "light"),
    "phone": (390, "en", "light"),
    "phone-dark": (390, "en", "dark"),
    "phone-de": (390, "de", "light"),
    "phone-ar": (390, "ar", "light"),
}
OWNER, NEW = "elowen", "zoe"


@dataclass(frozen=True)
class Shot:
    """A page: its path, who looks at it ("" is a visitor), and what they do there first."""

    path: str
    who: str = ""
    act: Callable[[Page], object] | None = None


def _search(page: Page) -> None:
    page.keyboard.press("/")
    page.locator(".palette-input").fill("in")
    page.wait_for_selector(".palette-option")
    page.wait_for_timeout(500)


def _bell(page: Page) -> None:
    page.locator("[data-bell]").click()
    page.wait_for_selector(".inbox-pop .note-item, .inbox-pop .empty, .inbox-page")


def _catalogue(page: Page) -> None:
    page.locator("[data-handle]").first.wait_for()  # before the script is there, the catalogue is a page
    page.locator(".add-button").first.click()
    page.wait_for_selector("dialog[open] .catalogue-card, main .catalogue-card")
    # Thumbnails are drawn one after the other.
    page.wait_for_selector(".thumb .widget-body")
    page.wait_for_timeout(5000)


SHOTS = {
    "front": Shot("/"),
    "home": Shot("/", OWNER),
    "home-new": Shot("/", NEW),
    "team": Shot("/t/docs/", OWNER),
    "team-visitor": Shot("/t/docs/"),
    "person": Shot("/u/kaveri/", OWNER),
    "activity": Shot("/t/docs/activity", OWNER),
    "calendar": Shot("/t/docs/calendar?by=month", OWNER),
    "members": Shot("/t/docs/members", OWNER),
    "about": Shot("/t/docs/about", OWNER),
    "settings": Shot("/t/docs/settings", OWNER),
    "editor": Shot("/t/docs/edit", OWNER),
    "catalogue": Shot("/t/docs/edit", OWNER, _catalogue),
    "history": Shot("/t/docs/history", OWNER),
    "inbox": Shot("/me/notices", OWNER),
    "inbox-popover": Shot("/t/docs/", OWNER, _bell),
    "palette": Shot("/", OWNER, _search),
    "account": Shot("/me/", OWNER),
    "stream": Shot("/stream/", OWNER),
    "teams": Shot("/teams/"),
    "people": Shot("/people/"),
    "search": Shot("/search?q=docs", OWNER),
    "sign-in": Shot("/login"),
    "join": Shot("/t/docs/join", NEW),
    "refused": Shot("/t/docs/settings", NEW),
    "missing": Shot("/t/nobody/"),
}


def take(browser: Browser, address: str, folder: Path, series: str, names: list[str]) -> None:
    """Write the pictures of a series, one a page."""
    width, language, colours = SERIES[series]
    pages: dict[str, Page] = {}
    for name in names:
        shot = SHOTS[name]
        if shot.who not in pages:
            context = browser.new_context(base_url=address, locale=language, reduced_motion="reduce")
            pages[shot.who] = context.new_page()
            if shot.who:
                sign_in(pages[shot.who], shot.who)
        page = pages[shot.who]
        page.set_viewport_size(ViewportSize(width=width, height=900))
        page.goto(shot.path)
        show_in(page, colours)
        settle(page)
        if shot.act:
            shot.act(page)
        page.screenshot(path=folder / series / f"{name}.png")
    for page in pages.values():
        page.context.close()


def sign_in(page: Page, who: str) -> None:
    page.goto("/login")
    page.fill("#f-username", who)
    page.locator("form:has(#f-username) button[type=submit]").click()
    page.wait_for_url("**/")


def settle(page: Page, *, live: bool = True) -> None:
    """Wait for all widgets and, if there is one, for the stream, and make the window as high as the page."""
    expect(page.locator(".widget[data-state=loading] [data-load]")).to_have_count(0, timeout=60_000)
    if live and page.locator("[data-stream]").count():
        page.wait_for_selector("[data-live=live], [data-live=delayed]")
    height = min(max(page.evaluate("document.documentElement.scrollHeight"), 600), MOST)
    page.set_viewport_size(ViewportSize(width=page.evaluate("innerWidth"), height=height))


def main(folder: Path, series: list[str], names: list[str]) -> None:
    """Run a demo, and write its pictures."""
    with tempfile.TemporaryDirectory() as data, launch() as chromium:
        port = first_port()
        demo = up(Path(data), port)
        try:
            for one in series:
                take(chromium, f"http://{HOST}:{port}", folder, one, names)
        finally:
            demo.process.send_signal(signal.SIGINT)
            demo.process.wait(60)


if __name__ == "__main__":
    chosen = sys.argv[2:]
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "build/screens/pages"),
        [name for name in SERIES if name in chosen] or list(SERIES),
        [name for name in SHOTS if name in chosen] or list(SHOTS),
    )
