"""Catalogues: each contains every text of the code, translated, with the same placeholders."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from hubs import i18n
from tests.stack import ROOT

LANGUAGES = [code for code in i18n.locales() if code != i18n.DEFAULT]
#: What must be the same in a text and in its translation: what is filled in, and HTML.
PARTS = re.compile(r"%\(\w+\)[a-z]|(?<!%)%[sd]|\{\w+\}|</?[a-z][^>]*>")


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


def test_there_is_a_translation() -> None:
    assert "de" in LANGUAGES
    assert len(texts()) > 500


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated(code: str) -> None:
    done = {entry.id for entry in entries(code) if all(forms(entry.string)) and not entry.fuzzy}
    missing = sorted((text for text in texts() if text not in done), key=forms)
    assert not missing, "Run `make messages`, then translate:\n" + "\n".join(map(repr, missing))


@pytest.mark.parametrize("code", LANGUAGES)
def test_placeholders_and_html_are_the_same_in_both_languages(code: str) -> None:
    wrong = []
    for entry in entries(code):
        wanted = sorted(set(PARTS.findall(forms(entry.id)[-1])))
        wrong += [entry.id for text in forms(entry.string) if sorted(set(PARTS.findall(text))) != wanted]
    assert wrong == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_have_the_same_outer_spaces_and_end_as_the_text(code: str) -> None:
    for entry in entries(code):
        for text in forms(entry.string):
            assert text == text.strip(), entry.id
            assert "\n" not in text, entry.id
            assert text.endswith((":", "…")) == forms(entry.id)[0].endswith((":", "…")), entry.id
