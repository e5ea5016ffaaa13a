"""The newest activities on the front page, and the last ones of each team: only what may be seen, newest first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.bus import Message, parse
from hubs.digest import live
from hubs.models import Hub, Visibility, now
from hubs.permissions import VISITOR
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


def said(number: int, *people: str, days: float = 0.0) -> Message:
    """Return a message that names people, received some days ago."""
    moment = now() - timedelta(days=days)
    message = parse({"topic": "a.b.dev.git.receive", "msg": {}, "msg_id": f"m{number}"})
    return replace(message, users=frozenset(people), sent_at=moment, received_at=moment, sentence=f"{number}")


def last(session: Session, *hubs: Hub, days: float = 30.0) -> list[list[str]]:
    found = live.last_of_teams(session, VISITOR, hubs, now() - timedelta(days=days))
    return [[item.fallback for item in found[hub.id]] for hub in hubs]


@pytest.fixture
def badgers(session: Session, registry: Registry, team: Hub) -> Hub:
    """Give a second team, of the owner alone."""
    owner = user_of(session, "owner")
    hub = hub_actions.create(session, registry, owner, "team", "badgers", {"display_name": "Badgers"})
    session.flush()
    return hub


def test_the_newest_lines_come_first_and_only_those_after_a_line(session: Session, team: Hub) -> None:
    messages.store(session, [said(number, "member", days=9 - number) for number in range(1, 8)])
    lines = live.newest(session, VISITOR, 5)
    assert [line.item.fallback for line in lines] == ["7", "6", "5", "4", "3"]
    assert {line.hub for line in lines} == {team}
    newer = live.newest(session, VISITOR, 5, after=lines[2].item.id)
    assert [line.item.fallback for line in newer] == ["7", "6"]


def test_lines_name_an_account_and_nobody_who_hides(session: Session, team: Hub) -> None:
    user_of(session, "member").activity = Visibility.SIGNED_IN
    messages.store(session, [said(1, "owner"), said(2, "owner", "member"), said(3, "builder-bot")])
    assert [line.item.fallback for line in live.newest(session, VISITOR, 5)] == ["1"]
    stranger = as_person(session, "stranger")
    assert {line.item.fallback for line in live.newest(session, stranger, 5)} == {"1", "2"}


def test_teams_show_their_last_three_however_long_ago(session: Session, team: Hub, badgers: Hub) -> None:
    recent = [said(number, "member", days=number / 100) for number in (1, 2, 3, 4)]
    older = [said(number, "owner", days=number) for number in (5, 8, 20, 25, 29)]
    messages.store(session, [*recent, *older, said(40, "owner", days=40), said(6, "stranger", days=6)])
    assert last(session, team, badgers) == [["1", "2", "3"], ["5", "8", "20"]]
    assert last(session, badgers, days=7) == [["5"]]
    assert last(session) == []


def test_a_team_shows_nothing_about_people_who_hide(session: Session, team: Hub) -> None:
    user_of(session, "member").activity = Visibility.SIGNED_IN
    messages.store(session, [said(1, "member"), said(2, "owner", "member"), said(3, "owner"), said(4, "subscriber")])
    assert last(session, team) == [["3"]]


def test_a_message_about_two_members_is_shown_once(session: Session, team: Hub, badgers: Hub) -> None:
    messages.store(session, [said(1, "owner", "member"), said(2, "member", days=1)])
    assert last(session, team, badgers) == [["1", "2"], ["1"]]


def test_busy_teams_are_not_searched_further_back(session: Session, team: Hub) -> None:
    messages.store(session, [said(number, "member", days=number / 1000) for number in range(1, 30)])
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert last(session, team) == [["1", "2", "3"]]
    # One for the last hour, and one for the names.
    assert len(statements) == 2
