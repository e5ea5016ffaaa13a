"""Sphinx builds the documentation with this: ``make docs``."""

import re
from pathlib import Path

_source = Path(__file__).parents[2] / "hubs" / "__init__.py"
_version = re.search(r'^__version__ = "(.+)"$', _source.read_text(encoding="utf-8"), re.MULTILINE)

project = "Fedora Hubs"
version = release = _version[1] if _version else ""
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
# Headings are addresses of links, as on the pages of a source repository.
myst_heading_anchors = 4
# Every broken reference is a warning, and `make docs` fails at warnings.
nitpicky = True
# Comes with Sphinx; its fonts are those of the reader's system, and nothing is loaded from elsewhere.
html_theme = "alabaster"
html_theme_options = {
    "description": "A portal for a contributor community",
    "fixed_sidebar": True,
    "page_width": "60em",
}
# A search box of our own: that of the theme needs an inline script.
templates_path = ["_templates"]
html_sidebars = {"**": ["about.html", "find.html", "navigation.html"]}
html_static_path = ["_static"]
html_css_files = ["hubs.css"]
html_show_sourcelink = False
html_copy_source = False
