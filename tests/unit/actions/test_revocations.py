"""Losses of access are detected in every flush, and reach Redis whatever fails meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fakeredis import TcpFakeServer
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import lifecycle, revocations, widgets
from hubs.actions.layout import page_rows
from hubs.actions.people import groups, membership, roles, sessions
from hubs.actions.privacy import account_data
from hubs.events.log import EventLog
from hubs.events.message import session_scope
from hubs.events.tokens import StreamClaims
from hubs.models import Database, Hub, Page, Revocation, RoleName, Visibility, now
from hubs.permissions import OPERATOR
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of


@pytest.fixture
def events(database: Database) -> Iterator[EventLog]:
    """Return the event log on the embedded Redis, with revocations installed on the database."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    event_log = EventLog(f"redis://127.0.0.1:{server.server_address[1]}/0")
    revocations.revoke_after_commit(database, event_log)
    yield event_log
    event_log.client.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def away(database: Database) -> EventLog:
    """Return an event log whose Redis is down, with revocations installed on the database."""
    event_log = EventLog("redis://127.0.0.1:1/0")
    revocations.revoke_after_commit(database, event_log)
    return event_log


def ended(session: Session) -> list[str]:
    session.expire_all()
    return sorted(row.scope for row in session.query(Revocation))


def claims(*channels: str, age: float = 0.0) -> StreamClaims:
    return StreamClaims(channels, time.time() - age)


Act = Callable[[Session, Registry, Hub], Any]


def drop(role: RoleName, name: str) -> Act:
    return lambda session, _, team: roles.drop_role(session, OPERATOR, team, user_of(session, name), role)


def promote(session: Session, registry: Registry, team: Hub) -> None:
    member = user_of(session, "member")
    roles.change_role(session, as_person(session, "owner"), team, member, RoleName.MEMBER, RoleName.OWNER)


def narrow_widget(session: Session, registry: Registry, team: Hub) -> None:
    widgets.update(session, registry, as_person(session, "owner"), team.widgets[0], {}, visibility="owners")


def new_page(session: Session, team: Hub, visibility: str) -> Page:
    page = page_rows.add(session, as_person(session, "owner"), team, f"page-{len(team.pages)}", "Page", visibility)
    session.commit()
    return page


def send(session: Session, registry: Registry, team: Hub, page: Page | None) -> None:
    widgets.send(session, registry, as_person(session, "owner"), team.widgets[0], page)


def narrow_page(session: Session, registry: Registry, team: Hub) -> None:
    page = new_page(session, team, "public")
    page_rows.update(session, as_person(session, "owner"), page, {"visibility": "members"})


def send_to_narrow_page(session: Session, registry: Registry, team: Hub) -> None:
    send(session, registry, team, new_page(session, team, "members"))


def send_between_pages(session: Session, registry: Registry, team: Hub) -> None:
    send(session, registry, team, new_page(session, team, "public"))
    session.commit()
    send_to_narrow_page(session, registry, team)


ENDS: dict[str, tuple[Act, str]] = {
    "a member removed": (drop(RoleName.MEMBER, "member"), "user:{member}"),
    "a role changed": (promote, "user:{member}"),
    "a member who leaves": (
        lambda session, _, team: roles.drop_role(
            session, as_person(session, "member"), team, user_of(session, "member"), RoleName.MEMBER
        ),
        "user:{member}",
    ),
    "a group left": (
        lambda session, _, team: groups.follow(session, user_of(session, "member"), []),
        "user:{member}",
    ),
    "a hub narrowed": (
        lambda session, _, team: hub_actions.update(
            session, as_person(session, "owner"), team, {"visibility": "members"}
        ),
        "hub:{hub}",
    ),
    "a hub that does not show who is here any more": (
        lambda session, _, team: hub_actions.update(session, as_person(session, "owner"), team, {"presence": "hidden"}),
        "hub:{hub}",
    ),
    "a person who hides their activity": (
        lambda session, _, team: setattr(user_of(session, "member"), "activity", Visibility.OWNERS),
        "user:{member}",
    ),
    "a person who leaves lists": (
        lambda session, _, team: setattr(user_of(session, "member"), "unlisted", True),
        "user:{member}",
    ),
    "a widget narrowed": (narrow_widget, "hub:{hub}"),
    "a page narrowed": (narrow_page, "hub:{hub}"),
    "a widget that leaves the home page for a narrower one": (send_to_narrow_page, "hub:{hub}"),
    "a widget that goes from one page to a narrower one": (send_between_pages, "hub:{hub}"),
    "a hub deleted": (lambda session, _, team: lifecycle.discard(session, OPERATOR, team), "hub:{hub}"),
    "a hub purged": (lambda session, _, team: session.delete(team), "hub:{hub}"),
    "an account deleted": (
        lambda session, _, team: account_data.forget(session, user_of(session, "stranger")),
        "user:{stranger}",
    ),
}


@pytest.mark.parametrize("what", ENDS)
def test_every_loss_of_access_is_recorded_and_takes_effect_after_the_commit(
    session: Session, registry: Registry, team: Hub, events: EventLog, what: str
) -> None:
    team.group_name = "otters"
    session.commit()
    act, scope = ENDS[what]
    names = {name: user_of(session, name).id for name in ("owner", "member", "subscriber", "stranger")}
    expected = scope.format(hub=team.id, **names)
    token = claims(f"{expected}:members:en" if expected.startswith("hub:") else expected)
    act(session, registry, team)
    assert not events.is_revoked(token)
    session.commit()
    assert expected in ended(session)
    assert events.is_revoked(token)
    assert all(row.revoked_at for row in session.query(Revocation))
    assert not events.is_revoked(claims(*token.channels, age=-0.1))


@pytest.mark.parametrize("role", [RoleName.SUBSCRIBER, RoleName.STARGAZER])
def test_changes_that_do_not_affect_access_end_no_stream(
    session: Session, team: Hub, events: EventLog, role: RoleName
) -> None:
    roles.take_role(session, as_person(session, "stranger"), team, role)
    roles.drop_role(session, as_person(session, "stranger"), team, user_of(session, "stranger"), role)
    membership.join(session, as_person(session, "stranger"), team)
    hub_actions.update(session, as_person(session, "owner"), team, {"summary": "We dive."})
    session.commit()
    assert ended(session) == []


def test_a_widget_that_stays_visible_to_the_same_people_ends_no_stream(
    session: Session, registry: Registry, team: Hub, events: EventLog
) -> None:
    page = new_page(session, team, "public")
    for place in (page, None):
        send(session, registry, team, place)
        session.commit()
    assert ended(session) == []


def test_signing_out_ends_the_streams_of_that_browser_alone(session: Session, team: Hub, events: EventLog) -> None:
    member = user_of(session, "member")
    first, second = (sessions.start(session, member, 3600) for _ in range(2))
    session.commit()
    sessions.end(session, first)
    session.commit()
    channels, moment = (f"user:{member.id}",), time.time() - 1
    tokens = [StreamClaims(channels, moment, session=session_scope(sessions.digest_of(key))) for key in (first, second)]
    assert events.revocations.are_revoked(tokens) == [True, False]
    sessions.end_all(session, member.id)
    session.commit()
    assert events.revocations.are_revoked(tokens) == [True, True]


def test_a_rollback_revokes_nothing(session: Session, team: Hub, events: EventLog) -> None:
    drop(RoleName.MEMBER, "member")(session, Registry(()), team)
    session.rollback()
    session.commit()
    assert ended(session) == []
    assert not events.is_revoked(claims(f"user:{user_of(session, 'member').id}", age=1))


def test_a_revocation_waits_in_the_database_while_redis_is_down(
    session: Session,
    database: Database,
    team: Hub,
    away: EventLog,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(revocations, "PATIENCE", timedelta(0))
    drop(RoleName.MEMBER, "member")(session, Registry(()), team)
    session.commit()
    assert [row.revoked_at for row in session.query(Revocation)] == [None]
    assert revocations.confirm_pending(database, away) == 0
    events = request.getfixturevalue("events")
    assert revocations.confirm_pending(database, events) == 1
    assert events.is_revoked(claims(f"user:{user_of(session, 'member').id}", age=0.5))
    assert revocations.confirm_pending(database, events) == 0


def test_the_daemon_leaves_recent_revocations_to_the_program_that_made_them(
    session: Session, database: Database, team: Hub, events: EventLog
) -> None:
    session.add(Revocation(scope="user:1", created_on=now(), expires_on=now() + timedelta(hours=6)))
    session.commit()
    assert revocations.confirm_pending(database, events) == 0


def test_revocations_are_restored_after_redis_lost_its_data(
    session: Session, database: Database, team: Hub, events: EventLog
) -> None:
    drop(RoleName.MEMBER, "member")(session, Registry(()), team)
    session.commit()
    old, new = (claims(f"user:{user_of(session, 'member').id}", age=age) for age in (1, -1))
    session.add(Revocation(scope="user:77", created_on=now(), expires_on=now() + timedelta(hours=6)))
    session.add(Revocation(scope="user:78", revoked_at=now(), expires_on=now() - timedelta(seconds=1)))
    session.commit()
    for _ in range(2):
        events.client.flushall()
        assert not events.revocations.is_complete()
        lost = [old, claims("user:77", age=1), claims("user:78", age=1), new]
        assert events.revocations.are_revoked(lost) == [True, True, False, False]
        assert events.revocations.is_complete()


def test_without_the_database_no_token_is_accepted_after_a_loss(
    session: Session, database: Database, team: Hub, events: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Session:
        raise revocations.SQLAlchemyError("no server")

    assert not events.is_revoked(claims("user:1"))
    events.client.flushall()
    monkeypatch.setattr(database, "session", broken)
    with pytest.raises(revocations.Incomplete):
        events.is_revoked(claims("user:1"))


def test_revocations_are_removed_once_all_affected_tokens_have_expired(session: Session, team: Hub) -> None:
    for scope, seconds in (("user:1", -1), ("user:2", 60)):
        session.add(Revocation(scope=scope, expires_on=now() + timedelta(seconds=seconds)))
    session.commit()
    revocations.purge(session)
    session.commit()
    assert ended(session) == ["user:2"]
