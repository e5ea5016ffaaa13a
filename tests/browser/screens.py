"""Pictures of every widget in every state, to look at: ``make screens``, or ``python -m tests.browser.screens FOLDER``.

They show the gallery on a desk and on a phone, in light and dark colours, and from right to left.
"""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from hubs.app import create_app
from hubs.models import Database
from hubs.settings import load
from hubs.widgets.registry import BUILT_IN
from tests.browser.axe import show_in
from tests.browser.conftest import launch
from tests.fresh import prepare
from tests.serving import serving

NAMES = [origin.split(":")[0].rsplit(".", 1)[1] for origin in BUILT_IN]
#: The bar at the bottom of a phone would lie in the middle of the picture of a whole page.
_WITHOUT_BARS = "document.querySelector('.bottom')?.remove()"
#: Folder of each series, with the width of the window in pixels, the language and the colours.
SERIES = {
    "desk": (1280, "en", "light"),
    "desk-dark": (1280, "en", "dark"),
    "phone": (390, "en", "light"),
    "phone-ar": (390, "ar", "light"),
}


@contextmanager
def gallery(folder: Path) -> Iterator[str]:
    """Serve an application with the gallery and an empty database in ``folder``; give its address."""
    settings = load({"HUBS_GALLERY": "1", "HUBS_DATA_DIR": str(folder), "HUBS_PUBLISH": "0"})
    database = Database(settings.database)
    prepare(database)
    database.dispose()
    with serving(create_app(settings)) as address:
        yield address


def take(browser: Browser, address: str, folder: Path) -> None:
    """Write a picture per widget into a folder per series; its name is that of the widget."""
    for series, (width, language, colours) in SERIES.items():
        window = {"width": width, "height": 900}
        context = browser.new_context(base_url=address, viewport=window, locale=language, reduced_motion="reduce")
        page = context.new_page()
        for name in NAMES:
            page.goto(f"/gallery/{name}")
            show_in(page, colours)
            page.evaluate(_WITHOUT_BARS)
            page.screenshot(path=folder / series / f"{name}.png", full_page=True)
        context.close()


if __name__ == "__main__":
    logging.disable()  # Widgets that fail on purpose are reported at length.
    with tempfile.TemporaryDirectory() as data, gallery(Path(data)) as site, launch() as chromium:
        take(chromium, site, Path(sys.argv[1] if len(sys.argv) > 1 else "build/screens"))
