"""What is wrong with the layout of a page, found in a real browser: overflow, overlaps, broken words, small targets."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

#: Widths in pixels at which pages are looked at; below 720 a page has the layout of a phone.
WIDTHS = (320, 390, 640, 768, 820, 900, 1024, 1280, 1440, 1920)
PHONE = 720
#: The smallest side of a target in pixels, with a mouse and with a finger.
MOUSE, FINGER = 24, 44
_CHECK = Path(__file__).with_name("layout.js").read_text()


def layout_problems(page: Page, width: int) -> list[str]:
    """Make the window that wide; return what is wrong with the layout, a sentence each."""
    page.set_viewport_size(ViewportSize(width=width, height=900))
    found: list[str] = page.evaluate(_CHECK, FINGER if width < PHONE else MOUSE)
    return found
