"""Languages: which there are, which one is in force, and texts in it.

Texts are marked with `_` and `ngettext` where they are made, or with `N_` where a name is declared and shown later.
Catalogues are the ``.po`` files under ``translations/``; they are read as they are, without a build step. Needs no
request: the daemon renders fragments in the languages of those who watch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

#: The language of the texts in the code.
DEFAULT = "en"
FOLDER = Path(__file__).parent / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT)


@cache
def locales() -> tuple[str, ...]:
    """Return the languages there are, the default one first."""
    return (DEFAULT, *sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/hubs.po")))


def names() -> dict[str, str]:
    """Return the name of each language in that language."""
    return {code: Locale.parse(code).get_display_name(code) or code for code in locales()}


def negotiate(wanted: list[str]) -> str:
    """Return the language that fits best to ``wanted``, best first, such as ``["de-AT", "en"]``."""
    found = negotiate_locale([one.replace("-", "_") for one in wanted], locales(), sep="_") or DEFAULT
    # The library gives back the letters that were asked for: "DE" for "de".
    return next((code for code in locales() if code.lower() == found.lower()), DEFAULT)


def tag(locale: str) -> str:
    """Return a language as HTML and HTTP spell it, such as ``pt-BR``."""
    return locale.replace("_", "-")


def current() -> str:
    """Return the language in force."""
    return _locale.get()


@contextmanager
def use(locale: str) -> Iterator[None]:
    """Put a language in force for the block; one that there is not counts as the default."""
    token = _locale.set(locale if locale in locales() else DEFAULT)
    try:
        yield
    finally:
        _locale.reset(token)


def gettext(text: str) -> str:
    """Return the text in the language in force."""
    return _catalogue(_locale.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for ``number`` things in the language in force."""
    return _catalogue(_locale.get()).ngettext(one, many, number)


def N_(text: str) -> str:  # noqa: N802 - the field's name for it
    """Mark a text that is translated where it is shown, and return it as it is."""
    return text


_ = gettext


def install(environment: Any) -> None:
    """Give a template environment ``_``, ``ngettext``, ``{% trans %}`` and the filter ``translated``."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)
    # For texts that a variable holds: a percent sign in them is only that.
    environment.filters["translated"] = gettext


@cache
def _catalogue(locale: str) -> NullTranslations:
    path = FOLDER / locale / "LC_MESSAGES" / "hubs.po"
    if not path.is_file():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
