"""Catalogues: what is translated keeps placeholders, markup and plural forms; complete ones lack nothing."""

import re
from functools import cache
from gettext import c2py  # type: ignore[attr-defined]  # the parser of plural rules that the catalogues get
from itertools import combinations
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from hubs import i18n
from tests.stack import ROOT

LANGUAGES = i18n.catalogues()
#: Languages that must have every text: add one here when its catalogue is complete.
COMPLETE = ["ar", "de", "es", "fr", "pt_BR", "zh_Hans"]
#: What must be the same in a text and in its translation: what is filled in, and HTML.
PARTS = re.compile(r"%\(\w+\)[a-z]|(?<!%)%[sd]|\{\w+\}|</?[a-z][^>]*>")


#: Placeholders of numbers that decide about the plural form.
COUNT = {"%(num)s", "%(num)d", "%(count)s", "%(amount)s", "%(seconds)s", "{num}"}
PUNCTUATION = (":", "：", "…")


@cache
def texts() -> frozenset[str | tuple[str, ...]]:
    """Return all texts that are marked in the code; of those with a plural, both forms."""
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    keywords = {**DEFAULT_KEYWORDS, "N_": None, "nN_": (1, 2)}
    messages = extract_from_dir(ROOT, methods, options, keywords, directory_filter=is_ours)
    return frozenset(message for _file, _line, message, _comments, _context in messages if message)


def is_ours(folder: str) -> bool:
    path = Path(folder)
    return path == ROOT or (ROOT / "hubs" in (path, *path.parents) and path.name != "static")


@cache
def catalogue(code: str) -> Catalog:
    with (i18n.FOLDER / code / "LC_MESSAGES" / "hubs.po").open("rb") as source:
        return read_po(source, locale=code)


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def entries(code: str) -> list[Message]:
    return [entry for entry in catalogue(code) if entry.id]


def translated(entry: Message) -> tuple[str, ...]:
    """Return the forms of a translation; none if it is still to be done, so that English is shown."""
    return tuple(text for text in forms(entry.string) if text)


def is_for_one_number(code: str, form: int) -> bool:
    """Return whether a plural form is used for a single number, as the singular is in German but not in French."""
    rule = c2py(catalogue(code).plural_expr)
    return [rule(number) for number in range(200)].count(form) == 1


def test_there_are_seven_languages() -> None:
    assert sorted(LANGUAGES) == ["ar", "de", "es", "fr", "pt_BR", "zh_Hans"]
    assert set(COMPLETE) <= set(LANGUAGES)
    assert len(texts()) > 500


@pytest.mark.parametrize("code", COMPLETE)
def test_every_text_is_translated(code: str) -> None:
    done = {entry.id for entry in entries(code) if all(forms(entry.string)) and not entry.fuzzy}
    missing = sorted((text for text in texts() if text not in done), key=forms)
    assert not missing, "Run `make messages`, then translate:\n" + "\n".join(map(repr, missing))


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_catalogue_declares_its_language_and_plural_rule(code: str) -> None:
    declared = catalogue(code)
    assert (declared.locale_identifier, declared.num_plurals) == (code, {"ar": 6, "zh_Hans": 1}.get(code, 2))
    # Gettext's rules for 0, 1, 2, 3, 11 and 100: the same forms as in the language's own rule of the CLDR.
    rule = c2py(declared.plural_expr)
    cldr = Locale.parse(code).plural_form
    for first, second in combinations((0, 1, 2, 3, 11, 100), 2):
        assert (rule(first) == rule(second)) == (cldr(first) == cldr(second))


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_translation_is_marked_as_fuzzy_or_has_lost_its_text(code: str) -> None:
    marked = texts()
    assert [entry.id for entry in entries(code) if entry.fuzzy] == []
    assert [entry.id for entry in entries(code) if entry.id not in marked and translated(entry)] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_text_with_a_plural_has_all_forms_or_none(code: str) -> None:
    partial = []
    for entry in entries(code):
        if isinstance(entry.id, str):
            continue
        amount = len(translated(entry))
        partial += [entry.id] if amount not in (0, catalogue(code).num_plurals) else []
    assert partial == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_placeholders_and_html_are_the_same_in_both_languages(code: str) -> None:
    wrong = []
    for entry in entries(code):
        wanted = sorted(set(PARTS.findall(forms(entry.id)[-1])))
        for form, text in enumerate(translated(entry)):
            parts = sorted(set(PARTS.findall(text)))
            # Arabic has words for "one" and "two members" that need no numeral.
            may_spell = not isinstance(entry.id, str) and is_for_one_number(code, form)
            optional = COUNT if may_spell else set()
            wrong += [] if set(wanted) - optional <= set(parts) <= set(wanted) else [(entry.id, text)]
    assert wrong == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_have_the_same_outer_spaces_and_end_as_the_text(code: str) -> None:
    for entry in entries(code):
        for text in translated(entry):
            assert text == text.strip(), entry.id
            assert "\n" not in text, entry.id
            assert text.endswith(PUNCTUATION) == forms(entry.id)[0].endswith(PUNCTUATION), entry.id


def test_french_has_narrow_spaces_before_double_punctuation() -> None:
    narrow = re.compile(r"[ \u00a0][;:!?»]|«[ \u00a0]|'")
    wrong = [text for entry in entries("fr") for text in translated(entry) if narrow.search(text)]
    assert wrong == []


def test_arabic_sentences_about_people_begin_with_an_arabic_word() -> None:
    """A sentence that begins with a Latin name would be laid out from left to right."""
    sentences = [text for entry in entries("ar") for text in translated(entry) if " " in text and "{actor}" in text]
    assert [text for text in sentences if text.startswith("{") and text != "{actor}: {thing}"] == []


def test_arabic_has_a_mark_between_values_that_follow_each_other_and_its_own_punctuation() -> None:
    texts = [text for entry in entries("ar") for text in translated(entry)]
    assert [text for text in texts if re.search(r"(\}|\)[sd]) (\{|%\()", text)] == []
    latin = re.compile(r"[\u0600-\u06ff][?,;]")
    assert [text for text in texts if latin.search(text)] == []


def test_a_language_without_any_translation_is_not_offered() -> None:
    offered = i18n.locales()
    assert set(offered) - {i18n.DEFAULT} <= set(i18n.catalogues())
    for code in offered:
        with i18n.use(code):
            assert (i18n.gettext("Sign in") != "Sign in") == (code != i18n.DEFAULT)


@pytest.mark.parametrize(
    ("entry", "is_translated"),
    [
        ('msgid "Feed"\nmsgstr ""', False),
        ('msgid "Feed"\nmsgstr "Feed"', True),
        ('msgid ""\n"A long "\n"text"\nmsgstr ""\n"Ein langer "\n"Text"', True),
        ('msgid ""\n"A long "\n"text"\nmsgstr ""', False),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] "c"', True),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] ""', False),
    ],
)
def test_a_catalogue_without_any_translation_is_no_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, is_translated: bool
) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    (folder / "hubs.po").write_text(f"{header}\n{entry}\n", "utf-8")
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    assert i18n._has_translations.__wrapped__("de") == is_translated
