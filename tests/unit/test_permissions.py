"""The permission function, checked against a table for every role, visibility and verb."""

import itertools
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from hubs.actions import messages
from hubs.errors import NotAllowed, NotFound
from hubs.models import Hub, JoinMode, MessagePackage, MessagePerson, Role, RoleName, StoredMessage, Visibility, Widget
from hubs.permissions import (
    VERBS,
    VISITOR,
    Person,
    anyone,
    audiences,
    can,
    closed,
    hides_from,
    names_any,
    offers,
    person,
    refusal,
    require,
    standing,
    visible,
)
from tests.unit.conftest import as_person, user_of
from tests.unit.widgets.test_built_in import say

HUB = 5
PEOPLE = {
    "visitor": VISITOR,
    "stranger": Person(1, "stranger"),
    "subscriber": person(2, "subscriber", [Role(hub_id=HUB, user_id=2, role=RoleName.SUBSCRIBER)]),
    "member": person(3, "member", [Role(hub_id=HUB, user_id=3, role=RoleName.MEMBER)]),
    "owner": person(4, "owner", [Role(hub_id=HUB, user_id=4, role=RoleName.OWNER)]),
    "owner elsewhere": person(6, "other", [Role(hub_id=HUB + 1, user_id=6, role=RoleName.OWNER)]),
}
INSIDE = {"member", "owner"}


def hub(visibility: Visibility = Visibility.PUBLIC, *, archived: bool = False, kind: str = "team") -> Hub:
    return Hub(id=HUB, name="otters", kind=kind, visibility=visibility, archived=archived)


def may(visibility: Visibility, archived: bool, who: str, verb: str) -> bool:
    """State the rules independently of the implementation."""
    sees = {
        Visibility.PUBLIC: True,
        Visibility.SIGNED_IN: who != "visitor",
        Visibility.MEMBERS: who in INSIDE,
        Visibility.OWNERS: who == "owner",
    }[visibility]
    allowed = {
        "view": True,
        "edit": who == "owner" and not archived,
        "own": who == "owner",
        "subscribe": who != "visitor" and not archived,
        "star": who != "visitor" and not archived,
        "join": who not in {"visitor", *INSIDE} and not archived,
        "leave": who in {"subscriber", *INSIDE},
    }[verb]
    return sees and allowed


@pytest.mark.parametrize(("who", "verb"), list(itertools.product(PEOPLE, VERBS)))
def test_the_table_holds_for_hubs_and_their_widgets(who: str, verb: str) -> None:
    for visibility, archived in itertools.product(Visibility, (False, True)):
        team = hub(visibility, archived=archived)
        expected = may(visibility, archived, who, verb)
        assert can(PEOPLE[who], verb, team) is expected, (visibility, archived)
        assert can(PEOPLE[who], verb, Widget(hub=team)) is expected


@pytest.mark.parametrize("who", PEOPLE)
def test_a_widget_is_visible_if_it_and_its_hub_are(who: str) -> None:
    for outer, inner in itertools.product(Visibility, Visibility):
        team = hub(outer)
        narrower = max(outer, inner, key=list(Visibility).index)
        row = Widget(hub=team, visibility=inner)
        assert row.audience == narrower
        assert can(PEOPLE[who], "view", row) is may(narrower, False, who, "view"), (outer, inner)
        assert can(PEOPLE[who], "edit", row) is may(narrower, False, who, "edit"), (outer, inner)


@pytest.mark.parametrize("who", PEOPLE)
def test_people_belong_to_the_audiences_that_they_may_see(who: str) -> None:
    heard = audiences(PEOPLE[who], hub())
    assert heard == tuple(level for level in Visibility if may(level, False, who, "view"))


@pytest.mark.parametrize("who", ["visitor", "stranger", "subscriber", "member", "owner"])
def test_the_database_condition_selects_what_a_person_may_see(session: Session, team: Hub, who: str) -> None:
    asking = as_person(session, who) if who != "visitor" else VISITOR
    for level in Visibility:
        team.visibility = level
        session.flush()
        hubs = session.scalars(select(Hub).where(visible(asking))).all()
        assert (team in hubs) is can(asking, "view", team) is may(level, False, who, "view")


@pytest.mark.parametrize("who", PEOPLE)
def test_anyone_with_the_same_standing_may_do_the_same(who: str) -> None:
    actual = PEOPLE[who]
    for visibility, archived, owner in itertools.product(Visibility, (False, True), (None, actual.id or 9, 9)):
        place = hub(visibility, archived=archived, kind="user" if owner else "team")
        place.user_id = owner
        other = anyone(standing(actual, HUB, owner), HUB)
        assert (other.username, other.signed_in) == ("", actual.signed_in)
        assert audiences(other, place) == audiences(actual, place)
        assert (closed(other, place), refusal(other, place)) == (closed(actual, place), refusal(actual, place))
        for verb, row in itertools.product(
            VERBS, (place, *(Widget(hub=place, visibility=level) for level in Visibility))
        ):
            assert can(other, verb, row) is can(actual, verb, row), (verb, visibility, archived, owner)
        assert [offers(other, verb, place) for verb in VERBS] == [offers(actual, verb, place) for verb in VERBS]


@pytest.mark.parametrize("changes", [{"join_mode": JoinMode.INVITATION}, {"group_name": "otters"}])
def test_people_can_ask_to_join_only_if_the_hub_accepts_requests(changes: dict[str, str]) -> None:
    team = hub()
    assert can(PEOPLE["stranger"], "join", team)
    for name, value in changes.items():
        setattr(team, name, value)
    assert not any(can(who, "join", team) for who in PEOPLE.values())


def test_a_persons_hub_cannot_be_joined() -> None:
    assert not can(PEOPLE["stranger"], "join", hub(kind="user"))


def test_an_unknown_verb_raises_a_value_error() -> None:
    with pytest.raises(ValueError, match="none of"):
        can(VISITOR, "fly", hub())


def test_hidden_objects_raise_not_found() -> None:
    with pytest.raises(NotFound):
        require(PEOPLE["stranger"], "edit", hub(Visibility.MEMBERS))


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(NotAllowed, match="sign in"):
        require(VISITOR, "edit", hub())
    with pytest.raises(NotAllowed, match="Only owners of otters"):
        require(PEOPLE["member"], "edit", hub())
    with pytest.raises(NotAllowed, match="archived"):
        require(PEOPLE["owner"], "edit", hub(archived=True))


@pytest.mark.parametrize("column", [StoredMessage.id, MessagePerson.message_id, MessagePackage.message_id], ids=str)
def test_people_who_hide_are_found_from_every_table_of_messages(
    session: Session, team: Hub, column: InstrumentedAttribute[int]
) -> None:
    user_of(session, "member").activity = Visibility.OWNERS
    messages.store(session, [replace(say(1, "member"), packages=frozenset({"tidepool"}))])
    session.execute(update(MessagePackage).values(received_at=None))  # as before there was this column
    assert session.scalars(select(column).where(names_any(column, hides_from(VISITOR)))).all()
