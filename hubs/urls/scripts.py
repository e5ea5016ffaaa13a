"""The script of pages: one bundle of all modules, or where it is outdated the modules themselves.

A browser that loads thirty modules shows the page later than one that loads a single file. `make bundle` joins and
minifies them; the files are committed, so that neither an installation nor a checkout needs npm. Somebody who changes a
module sees the change at the next reload, since the bundle names the sources that it was generated from.
"""

from pathlib import Path

from hubs.urls.files import STATIC, hash_of_files, names_sources

#: What pages load, and its content while the bundle is outdated.
SCRIPT, MODULES = "bundle/main.js", b'import "../js/main.js";\n'
#: The folders of the modules.
_FOLDERS = ("js", "vendor")


def script_sources(folder: Path = STATIC) -> list[Path]:
    """Return the modules that the bundle is generated from."""
    return [path for name in _FOLDERS for path in (folder / name).rglob("*.js")]


def hash_of_scripts(folder: Path = STATIC) -> str:
    """Return the hash of the sources that the first line of the bundle names."""
    return hash_of_files(folder, script_sources(folder))


def is_bundle_current(folder: Path = STATIC) -> bool:
    """Return whether the bundle was generated from the present sources."""
    return names_sources(folder / SCRIPT, hash_of_scripts(folder))


def read_script(folder: Path = STATIC) -> bytes:
    """Return the script of pages, for a folder of static files."""
    return (folder / SCRIPT).read_bytes() if is_bundle_current(folder) else MODULES
