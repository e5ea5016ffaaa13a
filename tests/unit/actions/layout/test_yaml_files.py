"""Hubs as YAML files: every text survives, and mistakes are reported with their line and what to write."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy.orm import Session

from hubs.actions.layout import apply, documents, yaml_files
from hubs.errors import InvalidInput
from hubs.models import Hub
from hubs.permissions import OPERATOR
from hubs.widgets.registry import Registry

#: Everything that the fields of a form accept: no control characters below a blank, but for the tab and the line feed.
TYPED = some.text(
    some.one_of(
        some.characters(blacklist_categories=["Cs"], min_codepoint=32),
        some.sampled_from("\t\n\x85\x7f\u2028\ufeff:#'\""),
    )
)


def described(text: str) -> documents.HubDocument:
    widget = {"id": "about", "widget": "about", "title": text[:128], "settings": {"text": text, text[:40]: [text]}}
    return documents.read({"hub": "otters", "description": text, "widgets": {"left": [widget]}})


@settings(max_examples=400)
@given(TYPED)
def test_every_text_survives_export_and_parsing(text: str) -> None:
    document = described(text)
    assert yaml_files.parse(yaml_files.write(document), "x.yaml") == document


@pytest.mark.parametrize(
    "sign", ["\x85", "\u2028", "\u2029", "\x7f", "\x9f", "\ufeff", "\ufffe", "\U0001f9a6", "\t", "\n"]
)
@pytest.mark.parametrize("shape", ["{}", "a{}b", "one\n{}two", "one\n  {}\ntwo{}", "{}\n", "\n{}"])
def test_special_characters_survive_export_and_parsing(sign: str, shape: str) -> None:
    document = described(shape.replace("{}", sign))
    assert yaml_files.parse(yaml_files.write(document), "x.yaml") == document


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\ufeff", "\x7f", "\U0001f9a6"])
def test_applying_an_export_changes_nothing(session: Session, registry: Registry, team: Hub, sign: str) -> None:
    described = documents.describe(team, registry, people=True)
    changed = described.model_copy(update={"description": f"one{sign}two\n{sign}\nthree", "summary": f"a{sign}b"})
    apply.apply(session, registry, OPERATOR, team, changed)
    session.flush()
    text = yaml_files.write(documents.describe(team, registry, people=True))
    assert apply.apply(session, registry, OPERATOR, team, yaml_files.parse(text, "otters.yaml")) == []
    assert team.description == f"one{sign}two\n{sign}\nthree"


@pytest.mark.parametrize(
    ("text", "key", "first", "second"),
    [
        ("hub: x\nwidgets:\n  left: []\n  right: []\n  left: []\n", "left", 3, 5),
        ("hub: x\nsummary: a\n\nhub: y\n", "hub", 1, 4),
        ("hub: x\nwidgets: {left: [{id: a, widget: feed,\n  settings: {limit: 1,\n  limit: 2}}]}\n", "limit", 3, 4),
    ],
)
def test_duplicate_keys_are_refused_with_both_lines(text: str, key: str, first: int, second: int) -> None:
    with pytest.raises(InvalidInput, match=f"{key} is in line {first} and again in line {second}"):
        yaml_files.parse(text, "x.yaml")


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("hub: x\nsummary: 16:00\n", "summary", "put it in quotes: YAML reads 16:00 as a number"),
        ("hub: x\nsummary: 42\n", "summary", "put it in quotes: YAML reads 42 as a number"),
        ("hub: x\ndescription: yes\n", "description", "put it in quotes: YAML reads yes as on or off"),
        ("hub: x\ndisplay_name: 2026-01-01\n", "display_name", "put it in quotes: YAML reads 2026-01-01 as a date"),
        ("hub: x\nmembers: [rana, no]\n", "members, 2", "put it in quotes: YAML reads no as on or off"),
        (
            "hub: x\nwidgets:\n  left:\n  - {id: a, widget: feed, title: 1:30}\n",
            "widgets, left, 1, title",
            "1:30 as a number",
        ),
    ],
)
def test_errors_say_where_quotes_are_missing(text: str, place: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        yaml_files.parse(text, "x.yaml")
    assert hint in caught.value.fields[place]
    assert hint in str(caught.value)


def test_errors_about_settings_say_where_quotes_are_missing(session: Session, registry: Registry, team: Hub) -> None:
    text = "hub: otters\nwidgets:\n  left:\n  - id: note\n    widget: sticky\n    settings:\n      text: 16:00\n"
    with pytest.raises(InvalidInput) as caught:
        apply.apply(session, registry, OPERATOR, team, yaml_files.parse(text, "x.yaml"))
    explained = yaml_files.explained(caught.value, text)
    assert "put it in quotes: YAML reads 16:00 as a number" in explained.fields["note, text"]


@pytest.mark.parametrize("text", ["hub: x\nleft_width: 99\n", 'hub: x\nsummary: "16:00"\nleft_width: 0\n'])
def test_other_errors_do_not_mention_quotes(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        yaml_files.parse(text, "x.yaml")
    assert "quotes" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("[" * 50_000, "more than 30 levels deep"),
        ("{a: " * 12_000, "more than 30 levels deep"),
        ("- " * 25_000, "more than 30 levels deep"),
        ("".join(f"{' ' * n}a:\n" for n in range(300)), "more than 30 levels deep"),
        ("hub: x\nmembers:\n" + "- a\n" * 60_000, "more than 20000 values"),
    ],
    ids=["brackets", "braces", "entries", "blocks", "values"],
)
def test_the_size_of_a_file_is_bounded(text: str, bound: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidInput, match=bound):
        yaml_files.parse(text, "x.yaml")
    assert time.process_time() - start < 10
