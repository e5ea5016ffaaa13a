"""Sentences about changes of a hub, and what changed within a value."""

from typing import Any

import pytest

from hubs.actions.layout import diff, sentences
from hubs.actions.layout.documents import HubDocument, read
from hubs.actions.layout.values import Piece, pieces, text_of
from hubs.parameters.declaration import Parameter
from hubs.widgets.registry import Registry


def document(**more: Any) -> HubDocument:
    return read({"hub": "docs", **more})


def column(*ids: str, **more: Any) -> dict[str, Any]:
    return {"left": [{"id": name, "widget": "sticky", "title": name.title(), **more} for name in ids]}


def texts(before: HubDocument, after: HubDocument, agent: str = "elowen") -> list[str]:
    described = sentences.describe(diff.between(before, after), Registry(), agent, {"elowen": "Elowen"})
    return [str(item) for item in described]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (column("a", "b", "c"), column("c", "a", "b"), "Elowen moved C up"),
        (column("a", "b", "c"), column("b", "c", "a"), "Elowen moved A down"),
        (column("a"), {"right": column("a")["left"]}, "Elowen moved A to the right column"),
        (column("a"), {"below": column("a")["left"]}, "Elowen moved A below the columns"),
        ({"right": column("a")["left"]}, column("a"), "Elowen moved A to the left column"),
        (column(), column("a"), "Elowen added the widget A"),
        (column("a"), column(), "Elowen removed the widget A"),
        (column("a"), column("a", visibility="members"), "Elowen changed who can see A"),
        (column("a"), column("a", width="full"), "Elowen changed the width of A"),
        (column("a"), column("a", settings={"text": "We dive."}), "Elowen changed “Text” of A"),
        (column("a"), column("a", settings={"gone": "1"}), "Elowen changed “gone” of A"),
    ],
)
def test_a_change_of_a_widget_is_a_sentence(before: dict[str, Any], after: dict[str, Any], text: str) -> None:
    assert texts(document(widgets=before), document(widgets=after)) == [text]


def test_a_new_title_is_shown_against_the_usual_one() -> None:
    (change,) = diff.between(
        document(widgets={"left": [{"id": "a", "widget": "sticky"}]}), document(widgets=column("a"))
    )
    (item,) = sentences.describe([change], Registry())
    assert str(item) == "Changed the title of Sticky note"
    assert item.pieces == [Piece("removed", "Sticky note"), Piece("added", "A")]


def test_fields_have_their_labels_and_choices_theirs() -> None:
    changes = diff.between(document(), document(visibility="members", summary="We dive.", archived=True))
    described = sentences.describe(changes, Registry(), "elowen", {"elowen": "Elowen"})
    assert {str(item): item.pieces for item in described} == {
        "Elowen changed “Summary”": [Piece("added", "We dive.")],
        "Elowen changed “Who can see this hub”": [Piece("removed", "Everybody"), Piece("added", "Members only")],
        "Elowen archived the hub": [],
    }


def test_without_a_person_the_sentence_names_nobody() -> None:
    assert texts(document(widgets=column("a", "b")), document(widgets=column("b", "a")), "") == ["Moved B up"]


def test_an_unknown_widget_is_named_by_its_type() -> None:
    one = {"left": [{"id": "a", "widget": "gone"}]}
    assert texts(document(), document(widgets=one)) == ["Elowen added the widget gone"]


def test_short_texts_are_compared_by_words_and_long_ones_by_lines() -> None:
    assert pieces("We meet on Monday.", "We meet on Friday.") == [
        Piece("same", "We meet on "),
        Piece("removed", "Monday"),
        Piece("added", "Friday"),
        Piece("same", "."),
    ]
    lines = [f"Line {number}\n" for number in range(200)]
    changed = [*lines[:100], "New\n", *lines[101:]]
    first, *middle, last = pieces("".join(lines), "".join(changed))
    assert middle == [Piece("removed", "Line 100\n"), Piece("added", "New\n")]
    assert first.text.startswith("…")
    assert first.text.endswith("Line 99\n")
    assert last.text.startswith("Line 101\n")
    assert len(first.text) + len(last.text) < 100


def test_very_long_texts_are_replaced_whole_and_cut() -> None:
    before, after = "a\n" * 5000, "b\n" * 5000
    removed, added = pieces(before, after)
    assert (removed.kind, added.kind) == ("removed", "added")
    assert len(removed.text) == len(added.text) == 600


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Seven"),
        ("", ""),
        ([], ""),
        (True, "Yes"),
        (7, "Seven"),
        ([7, 8], "Seven\n8"),
        ([{"name": "Docs", "link": ""}, {"name": "Code", "link": "https://x"}], "Docs\nCode · https://x"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert text_of(Parameter("number", default=7, choices=[("7", "Seven")]), value) == text
