"""The style sheet of every page: minified by `make bundle`, or where that is outdated its parts as they are.

A phone waits for each style sheet before it shows anything, so that a page has one. Like the scripts
(`hubs.urls.scripts`), the minified form is committed and names the sources that it was generated from.
"""

from pathlib import Path

from hubs.urls.files import STATIC, digest, names_sources

#: The style sheet of every page, kits and plain error pages, and what `make bundle` writes.
STYLE_SHEET, MINIFIED_STYLE_SHEET = "css/hubs.css", "bundle/hubs.css"
#: Its parts in order.
STYLE_SHEET_PARTS = tuple(
    f"css/{name}.css"
    for name in (
        "tokens",
        "base",
        "controls",
        "bars",
        "banner",
        "cards",
        "dialogs",
        "pages",
        "widgets",
        "lines",
        "identity",
    )
)


def style_sources(folder: Path = STATIC) -> list[Path]:
    """Return the parts of the style sheet in order."""
    return [folder / part for part in STYLE_SHEET_PARTS]


def hash_of_styles(folder: Path = STATIC) -> str:
    """Return the hash of the joined parts that the first line of the minified style sheet names."""
    return digest(_joined(folder))


def read_style_sheet(folder: Path = STATIC) -> bytes:
    """Return the style sheet of every page, for a folder of static files."""
    joined, minified = _joined(folder), folder / MINIFIED_STYLE_SHEET
    return minified.read_bytes() if names_sources(minified, digest(joined)) else joined


def _joined(folder: Path) -> bytes:
    return b"\n".join(part.read_bytes() for part in style_sources(folder))
