"""Pictures of our pages beside those of the design: ``make screens``, or ``python -m`` this module with a folder.

docs/screens.md shows them. Names of pictures behind the folder choose some of them.
"""

import io
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.browser.axe import show_in
from tests.browser.conftest import launch
from tests.browser.screens import gallery
from tests.browser.screens_of_pages import OWNER, SHOTS, Shot, settle, sign_in
from tests.browser.stress import build, stressed
from tests.integration.test_up import first_port, up
from tests.services import HOST

DESK, TABLET, PHONE = 1280, 820, 390
#: Pictures are made smaller to this width in pixels, which is enough to compare them, and few bytes.
WIDTH, QUALITY = 800, 50
#: Milliseconds that a page may take, on a machine that has other things to do.
PATIENCE = 120_000


@dataclass(frozen=True)
class Picture:
    """A page that the design drew, and how: the width of the window in pixels, the colours and the language."""

    site: str
    shot: Shot
    width: int = DESK
    colours: Literal["light", "dark"] = "light"
    language: str = "en"
    #: What lies over a page is shown in a window of this height, instead of on the whole page.
    height: int = 0


def _create_hub(page: Page) -> None:
    page.goto("/new")
    page.get_by_label("URL name").fill("boards")
    page.get_by_role("textbox", name="Title").fill("ARM boards")
    page.get_by_role("textbox", name="Summary").fill("Boards, laptops and the images that boot them.")
    page.get_by_role("button", name="Create hub").click()
    page.wait_for_url("**/t/boards/")
    settle(page)


def ask_to_join(browser: Browser, address: str) -> None:
    """Let somebody ask the owner's team for membership, so that something waits for the owner."""
    page = browser.new_context(base_url=address).new_page()
    sign_in(page, "isidora")
    page.goto("/t/docs/join")
    page.get_by_role("textbox", name="Message").fill("I translate and would like to fix what I find.")
    page.get_by_role("button", name="Ask to join").click()
    page.wait_for_url("**/t/docs/**")
    page.context.close()


_TEAM, _HOME, _VISITOR = (Picture("demo", SHOTS[name]) for name in ("team", "home", "front"))
_TEAM_VISITOR, _INBOX, _SETTINGS = (Picture("demo", SHOTS[name]) for name in ("team-visitor", "inbox", "settings"))
_STRESS = Picture("stress", Shot("/t/long/", "rana"), language="de")
_STATES = Picture("gallery", Shot("/gallery/issues"))
PICTURES = {
    "team": _TEAM,
    "team-dark": replace(_TEAM, colours="dark"),
    "team-rtl": replace(_TEAM, language="ar"),
    "team-visitor": _TEAM_VISITOR,
    "team-stress": _STRESS,
    "team-820": replace(_TEAM, width=TABLET),
    "team-stress-820": replace(_STRESS, width=TABLET),
    "team-390": replace(_TEAM, width=PHONE),
    "team-rtl-390": replace(_TEAM, width=PHONE, language="ar"),
    "team-visitor-390": replace(_TEAM_VISITOR, width=PHONE),
    "team-stress-390": replace(_STRESS, width=PHONE),
    "home": _HOME,
    "home-dark": replace(_HOME, colours="dark"),
    "home-390": replace(_HOME, width=PHONE),
    "home-new": Picture("demo", SHOTS["home-new"]),
    "home-visitor": _VISITOR,
    "home-visitor-390": replace(_VISITOR, width=PHONE),
    "inbox": _INBOX,
    "inbox-390": replace(_INBOX, width=PHONE),
    "inbox-popover": Picture("demo", SHOTS["inbox-popover"]),
    "palette": Picture("demo", SHOTS["palette"], height=900),
    "settings": _SETTINGS,
    "settings-390": replace(_SETTINGS, width=PHONE),
    "catalogue": Picture("demo", SHOTS["catalogue"], height=900),
    "empty": Picture("demo", Shot("/", OWNER, _create_hub)),
    "states": _STATES,
    "states-dark": replace(_STATES, colours="dark"),
}


@contextmanager
def demo(folder: Path) -> Iterator[Callable[[str], str]]:
    """Run a demo; give what returns its address for a language."""
    port = first_port()
    running = up(folder, port)
    try:
        yield lambda _language: f"http://{HOST}:{port}"
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.wait(PATIENCE / 1000)


@contextmanager
def _stress(folder: Path) -> Iterator[Callable[[str], str]]:
    with stressed(folder) as (app, address):

        def prepared(language: str) -> str:
            build(app, language)
            return address

        yield prepared


@contextmanager
def _gallery(folder: Path) -> Iterator[Callable[[str], str]]:
    with gallery(folder) as address:
        yield lambda _language: address


SITES = {"demo": demo, "stress": _stress, "gallery": _gallery}


def take(browser: Browser, address: str, picture: Picture) -> bytes:
    """Return the picture of a page, as PNG."""
    context = browser.new_context(base_url=address, locale=picture.language, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.set_viewport_size(ViewportSize(width=picture.width, height=900))
    if picture.shot.who:
        sign_in(page, picture.shot.who)
    page.goto(picture.shot.path)
    show_in(page, picture.colours)
    settle(page, live=picture.site == "demo")
    if picture.height:
        page.set_viewport_size(ViewportSize(width=picture.width, height=picture.height))
    if picture.shot.act:
        picture.shot.act(page)
    shown = page.screenshot()
    context.close()
    return shown


def smaller(shown: bytes) -> bytes:
    """Return a picture as WebP, in the width of the documentation."""
    with Image.open(io.BytesIO(shown)) as picture:
        width = min(WIDTH, picture.width)
        reduced = picture.convert("RGB").resize((width, round(picture.height * width / picture.width)))
    written = io.BytesIO()
    reduced.save(written, "WEBP", quality=QUALITY, method=6)
    return written.getvalue()


def main(folder: Path, names: list[str]) -> None:
    """Write the pictures of pages of all sites."""
    for name, site in SITES.items():
        wanted = [picture for picture in names if PICTURES[picture].site == name]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as data, site(Path(data)) as address, launch() as chromium:
            if name == "demo":
                ask_to_join(chromium, address(""))
            for picture in wanted:
                shown = take(chromium, address(PICTURES[picture].language), PICTURES[picture])
                (folder / f"{picture}.webp").write_bytes(smaller(shown))


if __name__ == "__main__":
    logging.disable()  # Widgets that fail on purpose are reported at length.
    chosen = sys.argv[2:]
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screens"),
        [name for name in PICTURES if name in chosen] or list(PICTURES),
    )
