"""Drafts: steps, undo and redo, saving, and merging with what somebody else saved in the meantime."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.layout import documents, drafts, edits
from hubs.actions.layout.documents import HubDocument
from hubs.actions.layout.merge import merge
from hubs.actions.people import roles
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.models import Database, Draft, Hub, RoleName
from hubs.permissions import Person
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of

Step = Callable[[HubDocument], HubDocument]


@pytest.fixture
def owner(session: Session, team: Hub) -> Person:
    return as_person(session, "owner")


@pytest.fixture
def other(session: Session, team: Hub, owner: Person) -> Person:
    """Return a second owner."""
    roles.give_role(session, owner, team, user_of(session, "member"), RoleName.OWNER)
    session.commit()
    return as_person(session, "member")


def do(session: Session, registry: Registry, person: Person, hub: Hub, step: Step) -> None:
    drafts.put(session, registry, person, hub, step(drafts.view(session, registry, person, hub).document))
    session.commit()


def set_note(registry: Registry, text: str, title: str = "") -> Step:
    return lambda document: edits.configure(document, registry, "sticky", {"text": text}, title)


def ids(document: HubDocument, side: str) -> list[str]:
    return [widget.id for widget in getattr(document.widgets, side)]


def test_nothing_changes_until_the_draft_is_saved(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    do(session, registry, owner, team, lambda document: edits.add(document, registry, "left", "library", {}, "Links"))
    do(session, registry, owner, team, lambda document: edits.place(document, registry, "library", "left", 0))
    do(session, registry, owner, team, lambda document: edits.width(document, 6))
    assert [row.key for row in team.column("left")] == ["sticky", "feed"]
    shown = drafts.view(session, registry, owner, team)
    assert ids(shown.document, "left") == ["library", "sticky", "feed"]
    assert [str(change) for change in shown.changes] == ["~ hub: left_width: 8 → 6", "+ library: Links"]
    drafts.save(session, registry, owner, team)
    session.commit()
    assert [row.key for row in team.column("left")] == ["library", "sticky", "feed"]
    assert team.left_width == 6
    assert session.query(Draft).count() == 0


def test_a_widget_is_placed_before_another_or_at_an_index_if_that_is_gone(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    document = drafts.view(session, registry, owner, team).document
    for before, expected in (("feed", ["sticky", "rules", "feed"]), ("gone", ["rules", "sticky", "feed"])):
        assert ids(edits.place(document, registry, "rules", "left", 0, before), "left") == expected


def test_steps_are_undone_and_redone(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    do(session, registry, owner, team, lambda document: edits.remove(document, "rules"))
    do(session, registry, owner, team, lambda document: edits.step(document, registry, "feed", "up"))
    drafts.undo(session, owner, team)
    shown = drafts.view(session, registry, owner, team)
    assert (shown.can_undo, shown.can_redo) == (True, True)
    assert [str(change) for change in shown.changes] == ["- rules: rules"]
    drafts.undo(session, owner, team)
    drafts.undo(session, owner, team)
    assert drafts.view(session, registry, owner, team).changes == []
    drafts.redo(session, owner, team)
    drafts.redo(session, owner, team)
    drafts.redo(session, owner, team)
    assert len(drafts.view(session, registry, owner, team).changes) == 2
    drafts.undo(session, owner, team)
    do(session, registry, owner, team, lambda document: edits.remove(document, "feed"))
    assert not drafts.view(session, registry, owner, team).can_redo


def test_a_step_that_changes_nothing_is_not_recorded(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    do(session, registry, owner, team, lambda document: edits.step(document, registry, "sticky", "up"))
    assert not drafts.view(session, registry, owner, team).can_undo


def test_a_discarded_draft_is_gone(session: Session, registry: Registry, team: Hub, owner: Person) -> None:
    do(session, registry, owner, team, lambda document: edits.remove(document, "rules"))
    drafts.discard(session, owner, team)
    assert drafts.view(session, registry, owner, team).changes == []
    assert drafts.save(session, registry, owner, team) == []


def test_a_page_does_not_grow_without_bound(
    session: Session, registry: Registry, team: Hub, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SIZE", 3000)
    long = edits.add(documents.describe(team, registry), registry, "left", "about", {"text": "x" * 3000})
    with pytest.raises(Conflict, match="too much text"):
        drafts.put(session, registry, owner, team, long)


def test_each_person_has_a_draft_of_their_own(
    session: Session, registry: Registry, team: Hub, owner: Person, other: Person
) -> None:
    do(session, registry, owner, team, lambda document: edits.remove(document, "rules"))
    assert drafts.view(session, registry, other, team).changes == []


def test_the_second_save_merges_both_and_loses_nothing(
    session: Session, registry: Registry, team: Hub, owner: Person, other: Person
) -> None:
    do(session, registry, owner, team, set_note(registry, "Mine", "Note"))
    do(session, registry, other, team, set_note(registry, "Theirs"))
    do(session, registry, other, team, lambda document: edits.add(document, registry, "right", "library", {}))
    drafts.save(session, registry, other, team)
    session.commit()
    with pytest.raises(drafts.SavedMeanwhile) as caught:
        drafts.save(session, registry, owner, team)
    session.commit()
    assert [str(change) for change in caught.value.theirs] == ["~ sticky: text: nothing → Theirs", "+ library: library"]
    assert [(clash.subject, clash.name, clash.mine, clash.theirs) for clash in caught.value.clashes] == [
        ("sticky", "text", "Mine", "Theirs")
    ]
    assert [str(change) for change in drafts.view(session, registry, owner, team).changes] == [
        "~ sticky: title: nothing → Note",
        "~ sticky: text: Theirs → Mine",
    ]
    drafts.save(session, registry, owner, team)
    session.commit()
    assert {row.key for row in team.widgets} >= {"library", "sticky"}
    assert next(row for row in team.widgets if row.key == "sticky").config["text"] == "Mine"


def test_two_concurrent_saves_lose_nothing(
    session: Session, database: Database, registry: Registry, team: Hub, owner: Person, other: Person
) -> None:
    for person in (owner, other):
        text = f"Of {person.username}"
        do(
            session,
            registry,
            person,
            team,
            lambda document, t=text: edits.configure(document, registry, "sticky", {"text": t}, ""),
        )  # type: ignore[misc]
    assert team.widgets
    session.commit()
    with database.transaction() as second:  # begins after the first has read the page
        drafts.save(second, registry, other, second.get_one(Hub, team.id))
    with pytest.raises(drafts.SavedMeanwhile) as caught:
        drafts.save(session, registry, owner, team)
    assert [(clash.mine, clash.theirs) for clash in caught.value.clashes] == [("Of owner", "Of member")]


def test_a_merge_beyond_the_limit_of_widgets_is_refused(
    session: Session, registry: Registry, team: Hub, owner: Person, other: Person
) -> None:
    def fill(text: str) -> Step:
        def step(document: HubDocument) -> HubDocument:
            for number in range(30):
                document = edits.add(document, registry, "left", "sticky", {"text": f"{text} {number}"})
            return document

        return step

    do(session, registry, owner, team, fill("mine"))
    do(session, registry, other, team, fill("theirs"))
    drafts.save(session, registry, other, team)
    session.commit()
    with pytest.raises(Conflict, match="it would hold 66 widgets, and 60 are possible"):
        drafts.save(session, registry, owner, team)
    for number in range(2, 8):
        do(session, registry, owner, team, lambda document, n=number: edits.remove(document, f"sticky-{n}"))  # type: ignore[misc]
    with pytest.raises(drafts.SavedMeanwhile):
        drafts.save(session, registry, owner, team)
    drafts.save(session, registry, owner, team)
    assert len(team.widgets) == 60


def test_a_change_outside_of_the_draft_is_not_undone_by_saving(
    session: Session, registry: Registry, team: Hub, owner: Person
) -> None:
    do(session, registry, owner, team, lambda document: edits.remove(document, "rules"))
    hub_actions.update(session, owner, team, {"summary": "We dive."})
    session.commit()
    with pytest.raises(drafts.SavedMeanwhile):
        drafts.save(session, registry, owner, team)
    drafts.save(session, registry, owner, team)
    assert team.summary == "We dive."


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_only_owners_have_drafts(session: Session, registry: Registry, team: Hub, username: str) -> None:
    person = as_person(session, username)
    for act in (drafts.view, drafts.save):
        with pytest.raises(NotAllowed):
            act(session, registry, person, team)
    for go in (drafts.undo, drafts.redo, drafts.discard):
        with pytest.raises(NotAllowed):
            go(session, person, team)
    with pytest.raises(NotAllowed):
        drafts.put(session, registry, person, team, documents.describe(team, registry))


def test_invalid_edits_are_refused(registry: Registry) -> None:
    document = page(left=["feed"])
    with pytest.raises(NotFound, match="no widget called"):
        edits.add(document, registry, "left", "nonsense", {})
    with pytest.raises(InvalidInput, match="left, right and below"):
        edits.add(document, registry, "middle", "feed", {})
    with pytest.raises(InvalidInput, match="attention"):
        edits.configure(document, registry, "feed", {"limit": "many"}, "")
    with pytest.raises(NotFound, match="no such widget"):
        edits.remove(document, "nonsense")
    with pytest.raises(InvalidInput, match="moves up"):
        edits.step(document, registry, "feed", "sideways")
    for wrong in ("wide", 0, 12, None):
        with pytest.raises(InvalidInput):
            edits.width(document, wrong)
    full = page(left=[f"feed{number}" for number in range(60)])
    with pytest.raises(Conflict, match="at most 60"):
        edits.add(full, registry, "left", "feed", {})


def test_a_long_history_forgets_its_oldest_steps(
    session: Session, registry: Registry, team: Hub, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "STEPS", 5)
    for number in range(1, 11):
        do(session, registry, owner, team, lambda document, number=number: edits.width(document, number))  # type: ignore[misc]
    draft = drafts.find(session, owner, team)
    assert draft is not None
    assert len(draft.steps) == 5
    for _ in range(9):
        drafts.undo(session, owner, team)
    assert drafts.view(session, registry, owner, team).document.left_width == 6


def page(left: list[str] | None = None, right: list[str] | None = None, **settings: dict[str, Any]) -> HubDocument:
    columns = {
        side: [{"id": key, "widget": "feed", "settings": settings.get(key, {})} for key in rows or []]
        for side, rows in (("left", left), ("right", right))
    }
    return documents.read({"hub": "x", "widgets": columns})


@pytest.mark.parametrize(
    ("mine", "theirs", "left", "clashes"),
    [
        (page(["a", "b", "c"]), page(["b", "a", "c"]), ["b", "a", "c"], []),
        (page(["c", "a", "b"]), page(["a", "b", "c", "new"]), ["c", "new", "a", "b"], []),
        (page(["a", "c"]), page(["a", "b", "c"]), ["a", "c"], []),
        (page(["a", "c"]), page(["a", "b", "c"], b={"limit": 3}), ["a", "b", "c"], ["removed"]),
        (page(["a", "b", "c"], b={"limit": 3}), page(["a", "c"]), ["a", "b", "c"], ["removed"]),
        (page(["c", "b", "a"]), page(["b", "a", "c"]), ["c", "b", "a"], ["order"]),
        (
            page(["a", "b", "c", "new"], new={"limit": 1}),
            page(["a", "b", "c", "new"]),
            ["a", "b", "c", "feed", "new"],
            [],
        ),
        (page(["a", "b", "c"], a={"limit": 1}), page(["a", "b", "c"], a={"limit": 2}), ["a", "b", "c"], ["limit"]),
        (page(["a", "b", "c"], a={"limit": 1}), page(["a", "b", "c"], a={"hide": "x"}), ["a", "b", "c"], []),
    ],
)
def test_two_changes_are_merged(mine: HubDocument, theirs: HubDocument, left: list[str], clashes: list[str]) -> None:
    joined, found_clashes = merge(page(["a", "b", "c"]), mine, theirs)
    assert ids(joined, "left") == left
    assert [clash.name for clash in found_clashes] == clashes


_PAGE = some.permutations(["a", "b", "c", "d", "e"]).flatmap(
    lambda order: some.tuples(some.integers(0, 5), some.integers(0, 5)).map(
        lambda cut: page(list(order[: min(cut)]), list(order[min(cut) : max(cut)]))
    )
)


@given(base=_PAGE, mine=_PAGE, theirs=_PAGE)
@settings(max_examples=200)
def test_merging_keeps_every_widget_once_and_never_drops_added_ones(
    base: HubDocument, mine: HubDocument, theirs: HubDocument
) -> None:
    joined, _ = merge(base, mine, theirs)
    placed = [*ids(joined, "left"), *ids(joined, "right")]
    known = {widget.id for widget in edits.every_widget(base)}
    both = {widget.id for widget in edits.every_widget(mine)} & {widget.id for widget in edits.every_widget(theirs)}
    added = {widget.id for document in (mine, theirs) for widget in edits.every_widget(document)} - known
    assert len(placed) == len(set(placed))
    assert both | added == set(placed)
    assert merge(base, base, theirs)[0] == theirs
    assert sorted(placed) == sorted(widget.id for widget in edits.every_widget(merge(base, theirs, mine)[0]))
