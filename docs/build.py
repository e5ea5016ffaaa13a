"""Builds the site of the documentation into ``build/docs``: ``make docs``. Every warning is an error.

The pages are readable in a source repository as well, where some link to files outside of this folder. Those become
pages of the site. With ``--carried``, the site that the package carries is built into ``build/carried-docs``: it has no
page of pictures, which would be larger than the package.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SOURCE, TARGET, CARRIED = (ROOT / "build" / name for name in ("docs-source", "docs", "carried-docs"))
#: Files outside of ``docs/`` by the page that they become.
OUTSIDE = {"changes.md": "CHANGELOG.md", "deployment.md": "deploy/README.md", "reporting.md": "SECURITY.md"}
#: Sphinx has a page of its own under this name.
RENAMED = {"search.md": "searching.md"}
#: The page of pictures, and their folder.
PICTURES = "screens"


def link(target: str, folder: Path) -> str:
    """Return where a link in a file of ``folder`` leads on the site; empty if the site has no such page."""
    path, _, anchor = target.partition("#")
    resolved = (folder / path).resolve()
    names = {(ROOT / file).resolve(): page for page, file in OUTSIDE.items()}
    page = names.get(resolved) or (resolved.name if resolved.parent == DOCS.resolve() and resolved.is_file() else "")
    page = RENAMED.get(page, page)
    return f"{page}#{anchor}" if page and anchor else page


def adapt(text: str, folder: Path) -> str:
    """Return a page for the site: links to files that are not pages become their text."""

    def replace(match: re.Match[str]) -> str:
        words, target = match.groups()
        if target.startswith(("http:", "https:", "mailto:", "#")):
            return match[0]
        address = link(target, folder)
        return f"[{words}]({address})" if address else words

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", replace, text)


def main(target: Path) -> None:
    """Collect the pages and have Sphinx build them into a folder."""
    for folder in (SOURCE, target):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, SOURCE, ignore=shutil.ignore_patterns("__pycache__", "build.py", "settings_table.py"))
    pages = {path.name: path for path in DOCS.glob("*.md")} | {page: ROOT / file for page, file in OUTSIDE.items()}
    for page, path in pages.items():
        (SOURCE / page).unlink(missing_ok=True)
        (SOURCE / RENAMED.get(page, page)).write_text(
            adapt(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8"
        )
    if target == CARRIED:
        shutil.rmtree(SOURCE / PICTURES)
        (SOURCE / f"{PICTURES}.md").unlink()
        index = SOURCE / "index.md"
        index.write_text(index.read_text(encoding="utf-8").replace(f"\n{PICTURES}\n", "\n"), encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-b", "dirhtml", SOURCE, target]
    sys.exit(subprocess.run([str(word) for word in command], check=False).returncode)  # noqa: S603 - fixed words


if __name__ == "__main__":
    main(CARRIED if "--carried" in sys.argv else TARGET)
