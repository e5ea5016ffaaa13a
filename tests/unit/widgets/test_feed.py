"""Which messages a feed reads, however many there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.models import Hub
from hubs.widgets.feed.cards import Item, read
from hubs.widgets.shared.messages import MessageScope
from tests.unit.widgets.test_built_in import say

#: Hours before now at which something was told: within each of the stretches that are looked through, and before.
AGES = (0.1, 0.5, 5, 11, 48, 120, 480, 1900)


@pytest.fixture
def told(session: Session, team: Hub) -> MessageScope:
    """Give whose messages those of a team are, when its two members and a stranger have been told of."""
    stored = [say(n, "member", "owner", ago=ago, sentence=f"s{n}.") for n, ago in enumerate(AGES)]
    strange = [say(100 + n, "stranger", ago=n, sentence="no.") for n in range(3)]
    messages.store(session, [*stored, *strange])
    return MessageScope(team, "")


def sentences(items: list[Item]) -> list[str]:
    return [item.sentence.removesuffix(".") for item in items]


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        found.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield found
    event.remove(session.get_bind(), "before_cursor_execute", note)


@pytest.mark.parametrize("limit", range(1, len(AGES) + 3))
def test_the_newest_come_first_however_old_they_are(session: Session, told: MessageScope, limit: int) -> None:
    assert sentences(read(session, told, limit, [])) == [f"s{n}" for n in range(len(AGES))][:limit]


def test_reading_goes_on_where_it_ended(session: Session, told: MessageScope) -> None:
    found: list[Item] = []
    while more := read(session, told, 3, [], before=(found[-1].sent_at, found[-1].id) if found else None):
        found += more
    assert sentences(found) == [f"s{n}" for n in range(len(AGES))]
    assert sentences(read(session, told, 3, [], 6)) == ["s6", "s7"]
    assert sentences(read(session, told, 3, ["wiki"])) == []


def test_what_a_busy_team_did_long_ago_is_not_read(session: Session, told: MessageScope) -> None:
    with statements(session) as asked:
        read(session, told, 2, [])
    assert len(asked) == 1
    with statements(session) as asked:
        read(session, told, 100, [])
    assert len(asked) == 4  # the whole past in the end, and nothing that is asked for twice


def test_a_message_comes_once_and_names_all_people(session: Session, told: MessageScope) -> None:
    assert {item.people for item in read(session, told, 100, [])} == {("member", "owner")}
