"""Paths of static files, pictures, and the files that crawlers and browsers request."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

#: The folder of static files, and the file that only a source checkout has beside the package.
STATIC = Path(__file__).parents[1] / "static"
_CHECKOUT = Path(__file__).parents[2] / "setup.py"


def static(path: str) -> str:
    """Return the path of a static file: it changes with the content of any of them, so that browsers may keep it."""
    version = static_version()
    return f"/static/v-{version}/{path}" if version else f"/static/{path}"


@cache
def static_version() -> str:
    """Return a hash of all static files; empty in a source checkout, where they change while the server runs.

    It is one for all files, since scripts import each other by relative paths.
    """
    return "" if _CHECKOUT.exists() else hash_of_folder(STATIC)


def hash_of_folder(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder."""
    return hash_of_files(folder, (path for path in folder.rglob("*") if path.is_file()))


def hash_of_files(folder: Path, paths: Iterable[Path]) -> str:
    """Return a hash of the names, relative to a folder, and contents of files."""
    parts = ((str(path.relative_to(folder)).encode(), path.read_bytes()) for path in sorted(paths))
    return digest(b"".join(b"%s\0%s\0" % part for part in parts))


def digest(content: bytes) -> str:
    """Return a short hash of a file's content."""
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def names_sources(generated: Path, sources: str) -> bool:
    """Return whether a file that `make bundle` wrote exists and names the hash of these sources in its first line."""
    if not generated.is_file():
        return False
    with generated.open(encoding="utf-8") as file:
        return sources in file.readline()


def picture(digest: str) -> str:
    """Return the path of an uploaded picture."""
    return f"/pictures/{digest}.webp"


def robots() -> str:
    """Return the path of the rules for crawlers."""
    return "/robots.txt"


def sitemap(number: int = 0) -> str:
    """Return the path of the list of sitemaps, or of one of them."""
    return f"/sitemap-{number}.xml" if number else "/sitemap.xml"


def opensearch() -> str:
    """Return the path of the description of the search for browsers."""
    return "/opensearch.xml"


def manifest() -> str:
    """Return the path of the manifest with which browsers install the instance."""
    return "/manifest.webmanifest"


def favicon() -> str:
    """Return the path of the icon that browsers request on their own."""
    return "/favicon.ico"


def icon(size: int, *, maskable: bool = False) -> str:
    """Return the path of the instance's icon in 180, 192 or 512 pixels."""
    return f"/icon-{size}-maskable.png" if maskable else f"/icon-{size}.png"


def logo() -> str:
    """Return the path of the logo that the settings name."""
    return "/logo"


def site_css(version: str) -> str:
    """Return the path of the style sheet with the instance's colours."""
    return f"/site.css?{urlencode({'v': version})}"
