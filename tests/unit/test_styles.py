"""The style sheets hold nothing that no page uses, and the templates nothing that cannot be mirrored."""

import re
from pathlib import Path

import hubs

FOLDER = Path(hubs.__file__).parent
#: The first part of a class whose end is computed, such as ``left-8``.
COMPUTED = re.compile(r"class(?:Name)?\s*=\s*[\"'`][^\"'`]*?([A-Za-z][\w-]*-)(?=\{\{|\$\{)")


def sources(*patterns: str) -> str:
    """Return everything that can name a class: templates, scripts and code."""
    files = (path for pattern in patterns for path in FOLDER.rglob(pattern))
    return "\n".join(path.read_text() for path in files if not {"vendor", "translations"} & set(path.parts))


def classes(styles: str) -> set[str]:
    """Return the classes in the selectors of a style sheet."""
    plain = re.sub(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"", "", styles, flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", plain)
    return {name for selector in selectors for name in re.findall(r"\.([A-Za-z_][\w-]*)", selector)}


def unused(styles: str, text: str) -> set[str]:
    words, computed = set(re.findall(r"[A-Za-z_][\w-]*", text)), tuple(set(COMPUTED.findall(text)))
    return {name for name in classes(styles) - words if not name.startswith(computed)}


def test_every_class_of_the_style_sheets_is_used() -> None:
    styles = "\n".join(path.read_text() for path in (FOLDER / "static" / "css").glob("*.css"))
    found = unused(styles, sources("*.html", "*.js", "*.py"))
    assert found == set()


def test_an_unused_class_is_found() -> None:
    styles = ".used, .gone > .left-8 { color: red } /* .comment {} */"
    assert unused(styles, '<p class="used left-{{ width }}">') == {"gone"}


#: A universal selector to the right of ``:has()``: what it is about changes with whatever is inserted anywhere.
BROAD = re.compile(r"[^{},]*:has\((?:[^()]|\([^()]*\))*\)[^{},]*[ >+~]\*")


def test_inserting_a_widget_does_not_restyle_the_whole_page() -> None:
    styles = "\n".join(path.read_text() for path in (FOLDER / "static" / "css").glob("*.css"))
    assert ":has(" in styles
    assert BROAD.findall(styles) == []


def test_a_selector_that_restyles_the_whole_page_is_seen() -> None:
    assert BROAD.findall("main:has(> .side) > *{color:red}") == ["main:has(> .side) > *"]
    assert BROAD.findall(".a:not(:has(> *)), .a:has(.b:not(.c)) > .d, .e > *{color:red}") == []


def test_arrows_in_templates_are_icons_that_can_be_mirrored() -> None:
    # In a text, the translation decides.
    untranslated = re.sub(r"_\(.*?\)", "", sources("*.html"))
    assert re.findall("[‹›«»←→↶↷▸◂]", untranslated) == []
