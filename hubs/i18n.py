"""Internationalisation: the available languages, the current one, and translated texts.

Texts are marked with `_` and `ngettext` where they are produced, or with `N_` and `nN_` where a text is declared and
shown later. Catalogues are the ``.po`` files under ``translations/``, read without a build step. Independent of
requests, since the daemon renders fragments in the languages of the current viewers.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

#: The language of the texts in the code.
DEFAULT = "en"
FOLDER = Path(__file__).parent / "translations"

#: The available variant of a language for people who prefer another one, and the variants that differ too much to
#: stand in for: traditional characters are not an acceptable rendering of simplified ones, or the reverse.
NEAREST = {"pt": "pt_BR", "zh": "zh_Hans"}
UNLIKE = {"zh_Hans": {"hant", "tw", "hk", "mo"}}

#: A translation in an entry of a catalogue: text after its keyword, or on the line below if it is long.
_TRANSLATED = re.compile(r'^msgstr(\[\d\])? (""\n)?"[^"]', re.MULTILINE)
_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT)


@cache
def locales() -> tuple[str, ...]:
    """Return the available languages, the default first; a catalogue without any translation yet is left out."""
    return (DEFAULT, *sorted(code for code in catalogues() if _has_translations(code)))


def catalogues() -> list[str]:
    """Return the languages that have a catalogue, also an empty one."""
    return [path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/hubs.po")]


@cache
def _has_translations(code: str) -> bool:
    # Parsing all catalogues takes as long as importing the application, and most processes need one language.
    entries = (FOLDER / code / "LC_MESSAGES" / "hubs.po").read_text("utf-8").split("\n\n")[1:]  # without the header
    return any(_TRANSLATED.search(entry) for entry in entries)


def names() -> dict[str, str]:
    """Return the name of each language in that language, with a capital as in a list of names."""
    spelled = {code: _own_name(Locale.parse(code)) for code in locales()}
    return {code: name[:1].upper() + name[1:] for code, name in spelled.items()}


def _own_name(locale: Locale) -> str:
    # Some variants have a name of their own, such as 简体中文; others the language's with the region in parentheses.
    return locale.languages.get(str(locale)) or locale.get_display_name(locale) or str(locale)


def find(language: str) -> str:
    """Return the available language with this code or tag, such as ``pt_BR`` or ``pt-br``; empty if there is none."""
    wanted = language.replace("-", "_").lower()
    return next((code for code in locales() if code.lower() == wanted), "")


def negotiate(preferred: list[str]) -> str:
    """Return the best available language for a list of preferences, best first, such as ``["de-AT", "en"]``."""
    return next((code for language in preferred if (code := _closest(language))), DEFAULT)


def _closest(language: str) -> str:
    """Return the available language for one preference: the same, a more general one, or its nearest variant."""
    parts = language.replace("-", "_").lower().split("_")
    for length in range(len(parts), 0, -1):
        if code := find("_".join(parts[:length])):
            return code
    variant = find(NEAREST.get(parts[0], ""))
    return "" if UNLIKE.get(variant, set()).intersection(parts) else variant


def tag(locale: str) -> str:
    """Return a language as a BCP 47 tag for HTML and HTTP, such as ``pt-BR``."""
    return locale.replace("_", "-")


@cache
def direction(locale: str) -> str:
    """Return the direction in which a language is written: ``ltr`` or ``rtl``."""
    return str(Locale.parse(locale).text_direction)


def current() -> str:
    """Return the current language."""
    return _locale.get()


@contextmanager
def use(locale: str) -> Iterator[None]:
    """Set the current language for the block; an unknown one means the default."""
    token = _locale.set(locale if locale in locales() else DEFAULT)
    try:
        yield
    finally:
        _locale.reset(token)


def gettext(text: str) -> str:
    """Return the text in the current language."""
    return _catalogue(_locale.get()).gettext(text) if text else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the text for ``number`` in the current language."""
    return _catalogue(_locale.get()).ngettext(singular, plural, number)


def N_(text: str) -> str:  # noqa: N802 - the field's name for it
    """Mark a text for translation where it is shown, and return it unchanged."""
    return text


def nN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - as `N_`
    """Mark a text with a plural for translation where it is shown, and return both forms unchanged."""
    return singular, plural


def plural_forms(texts: tuple[str, str]) -> dict[str, str]:
    """Return a text marked with `nN_` in all plural forms of the current language, for numbers that scripts insert.

    The keys are the categories that ``Intl.PluralRules`` knows; ``other`` is always among them. A category of large
    numbers alone, such as of millions in Spanish, is left out: scripts then take ``other``.
    """
    category_of = Locale.parse(_locale.get()).plural_form
    # Every rule distinguishes by the last two digits at most; from 100 on none is special.
    examples = {category_of(number): number for number in range(200, -1, -1)}
    return {category: ngettext(*texts, examples[category]) for category in sorted(examples)}


_ = gettext


def thousands(number: int) -> str:
    """Return a whole number as the current language writes it, such as ``10,000``."""
    return str(number) if abs(number) < 1000 else format_decimal(number, locale=_locale.get())


def install(environment: Any) -> None:
    """Add ``_``, ``ngettext``, ``nN_``, ``{% trans %}`` and filters for translation to a template environment."""
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)
    environment.globals["ngettext"] = _with_thousands(environment.globals["ngettext"])
    # For texts in variables: unlike with ``_``, a percent sign in them is not a placeholder.
    environment.filters["translated"] = gettext
    environment.globals["nN_"] = nN_
    environment.filters["plural_forms"] = plural_forms
    environment.filters["thousands"] = thousands


def _with_thousands(translate: Callable[..., str]) -> Callable[..., str]:
    """Return ``ngettext`` of templates with the number grouped in thousands where the text has it."""

    @pass_context
    def ngettext(context: Context, singular: str, plural: str, number: int, /, **variables: object) -> str:
        values = {"num": number, **variables}
        # Another number of the text may be a year.
        grouped = {name: thousands(number) if value == number else value for name, value in values.items()}
        return translate(context, singular, plural, number, **grouped)

    return ngettext


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
