"""The messages that a feed reads, also among very many."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.models import Hub, StoredMessage, User, now
from hubs.widgets.feed.cards import Item, items_of, read
from hubs.widgets.shared.messages import MessageScope
from tests.unit.widgets.test_built_in import person_hub, say

#: Hours before now at which something was told: within each of the stretches that are looked through, and before.
AGES = (0.1, 0.5, 5, 11, 48, 120, 480, 1900)


@pytest.fixture
def told(session: Session, old_team: Hub) -> MessageScope:
    """Return the scope of an old team, with messages about its two members and a stranger stored."""
    stored = [say(n, "member", "owner", ago=ago, sentence=f"s{n}.") for n, ago in enumerate(AGES)]
    strange = [say(100 + n, "stranger", ago=n, sentence="no.") for n in range(3)]
    messages.store(session, [*stored, *strange])
    return MessageScope(old_team, "")


def sentences(items: list[Item]) -> list[str]:
    return [item.sentence.removesuffix(".") for item in items]


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield statements
    event.remove(session.get_bind(), "before_cursor_execute", note)


@pytest.mark.parametrize("limit", range(1, len(AGES) + 3))
def test_the_newest_come_first_however_old_they_are(session: Session, told: MessageScope, limit: int) -> None:
    assert sentences(read(session, told, limit, [])) == [f"s{n}" for n in range(len(AGES))][:limit]


def test_the_feed_of_a_new_team_has_nothing_that_its_members_did_before(session: Session, team: Hub) -> None:
    team.created_on = now() - timedelta(hours=1)
    stored = [say(n, "owner", ago=ago, sentence=f"s{n}.") for n, ago in enumerate((0.5, 2, 48))]
    messages.store(session, stored)
    assert sentences(read(session, MessageScope(team, ""), 9, [])) == ["s0"]
    assert sentences(read(session, MessageScope(team, "owner"), 9, [])) == ["s0", "s1", "s2"]


def test_changes_of_members_to_other_hubs_are_not_in_the_feed_of_a_team(session: Session, old_team: Hub) -> None:
    for number, hub in enumerate((old_team, person_hub(session, "owner"))):
        messages.store(
            session,
            [say(number, "owner", ago=number, category="hubs", sentence=f"s{number}.", body={"hub_id": hub.id})],
        )
    assert sentences(read(session, MessageScope(old_team, ""), 9, [])) == ["s0"]
    assert sentences(read(session, MessageScope(old_team, "owner"), 9, [])) == ["s0", "s1"]


def test_reading_continues_after_the_cursor(session: Session, told: MessageScope) -> None:
    items: list[Item] = []
    while more := read(session, told, 3, [], before=(items[-1].sent_at, items[-1].id) if items else None):
        items += more
    assert sentences(items) == [f"s{n}" for n in range(len(AGES))]
    assert sentences(read(session, told, 3, [], 6)) == ["s6", "s7"]
    assert sentences(read(session, told, 3, ["wiki"])) == []


def test_old_messages_of_a_busy_team_are_not_read(session: Session, told: MessageScope) -> None:
    with statements(session) as asked:
        read(session, told, 2, [])
    assert len(asked) == 1
    with statements(session) as asked:
        read(session, told, 100, [])
    assert len(asked) == 4  # the whole past in the end, and nothing that is asked for twice


def test_a_message_is_listed_once_with_all_people(session: Session, told: MessageScope) -> None:
    assert {item.people for item in read(session, told, 100, [])} == {("member", "owner")}


def test_people_have_their_picture_unless_they_are_unlisted(session: Session, told: MessageScope) -> None:
    for username, unlisted in (("member", False), ("owner", True)):
        user = session.query(User).filter_by(username=username).one()
        user.picture, user.unlisted = f"digest-of-{username}", unlisted
    session.flush()
    assert {tuple(item.pictures.items()) for item in read(session, told, 100, [])} == {
        (("member", "digest-of-member"),)
    }
    assert {tuple(item.pictures) for item in items_of(session, session.query(StoredMessage).all())} == {
        ("member",),
        (),
    }
