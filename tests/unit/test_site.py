"""The documentation as a site: built without a warning, complete, and loading nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site() -> Path:
    done = subprocess.run([sys.executable, ROOT / "docs" / "build.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build" / "docs"


@pytest.mark.slow
def test_every_page_is_on_the_site_and_no_link_is_broken(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index", "search"}
    for name in (*pages, "searching", "changes", "deployment", "reporting"):
        assert (site / name / "index.html").is_file(), name
    for page in site.rglob("index.html"):
        for target in re.findall(r'<a [^>]*href="([^"#:]+)(?:#[^"]*)?"', page.read_text()):
            place = page.parent / target
            assert place.exists() or (place / "index.html").exists(), f"{page.relative_to(site)}: {target}"


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere_and_have_no_inline_scripts(site: Path) -> None:
    for page in site.rglob("index.html"):
        text = page.read_text()
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), page
        assert not re.findall(r"<script[^>]*>[^<\s]", text), page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text()), style
