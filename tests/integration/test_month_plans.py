"""Which months PostgreSQL looks into, for feeds, counts and the stream."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import messages
from hubs.actions.people import roles, stream
from hubs.bus import parse
from hubs.models import Database, Hub, User, now
from hubs.models.months import conversion, layout, undo
from hubs.permissions import Person, person
from hubs.widgets.feed import cards
from hubs.widgets.registry import Registry
from hubs.widgets.shared import daily_counts
from hubs.widgets.shared.messages import MessageScope

#: In the middle of a month, so that days around it are of the same month.
NOON = now().replace(day=15, hour=12, minute=0, second=0, microsecond=0) - timedelta(days=31)
#: Messages per month, for which PostgreSQL uses indexes.
EACH = 400
LIMIT = 31


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """Give three months of messages of two people, one of whom is the only member of a team."""
    database = Database(database_url, info={"site_url": "http://127.0.0.1"})
    undo.unpartition(database)
    conversion.partition_empty(database, NOON - timedelta(days=120))
    with database.transaction() as session:
        owner = roles.sign_up(session, Registry(), "rana")
        roles.sign_up(session, Registry(), "otto")
        hub_actions.create(session, Registry(), owner, "team", "otters", {})
        session.query(Hub).update({"created_on": NOON - timedelta(days=900)})
    for back in range(0, 90, 30):
        with database.transaction() as session:
            messages.store(session, [_message(number, back) for number in range(EACH)])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    yield database
    database.dispose()


def _message(number: int, days: int) -> Any:
    moment = NOON - timedelta(days=days, minutes=number)
    envelope = {"topic": "a.b.dev.wiki.edit", "msg": {}, "msg_id": f"m{days}-{number}", "timestamp": moment.timestamp()}
    return replace(parse(envelope), received_at=moment, users=frozenset({"rana" if number % 3 else "otto"}))


@pytest.fixture
def session(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    for module in (cards, stream):
        monkeypatch.setattr(module, "now", lambda: NOON)
        monkeypatch.setattr(module, "latest", lambda: NOON)
    monkeypatch.setattr(daily_counts, "latest", lambda: NOON)
    with database.session() as session:
        yield session


@pytest.fixture
def rana(session: Session) -> Person:
    user = session.query(User).filter_by(username="rana").one()
    return person(user.id, user.username, user.roles)


@contextmanager
def statements(session: Session) -> Iterator[list[tuple[str, Any]]]:
    heard: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        heard.append((statement, parameters))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield heard
    event.remove(session.get_bind(), "before_cursor_execute", note)


def months(session: Session, act: Callable[[], object]) -> set[str]:
    """Return the partitions that any statement of ``act`` reads, as executed."""
    with statements(session) as heard:
        act()
    assert any("message_people" in statement for statement, _ in heard)
    read: set[str] = set()
    for statement, parameters in heard:
        query = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        (plan,) = session.connection().exec_driver_sql(query, parameters).scalar_one()
        read |= set(_read(plan["Plan"]))
    return read


def _read(node: dict[str, Any]) -> Iterator[str]:
    match = re.fullmatch(rf"(?:{'|'.join(layout.TABLES)})_(\d.*|before|other)", node.get("Relation Name", ""))
    if match and node["Actual Loops"]:
        yield match[1]
    for part in node.get("Plans", []):
        yield from _read(part)


THIS = layout.month_of(NOON).suffix
LAST = layout.month_of(NOON - timedelta(days=30)).suffix


@pytest.mark.parametrize("hub", ["rana", "otters"])
def test_a_feed_reads_the_month_that_its_page_is_in(session: Session, hub: str) -> None:
    row = session.query(Hub).filter_by(name=hub).one()
    whose = MessageScope(row, "rana" if hub == "rana" else "")
    assert len(cards.read(session, whose, LIMIT, [])) == LIMIT
    assert months(session, lambda: cards.read(session, whose, LIMIT, [])) == {THIS}
    before = NOON - timedelta(days=30), 0  # the newest of the month before
    assert len(cards.read(session, whose, LIMIT, [], before=before)) == LIMIT
    assert months(session, lambda: cards.read(session, whose, LIMIT, [], before=before)) == {LAST}


@pytest.mark.parametrize("hub", ["rana", "otters"])
def test_counts_read_the_months_that_they_are_about(session: Session, hub: str) -> None:
    row = session.query(Hub).filter_by(name=hub).one()
    whose = MessageScope(row, "rana" if hub == "rana" else "")
    since = NOON - timedelta(days=7)
    assert sum(daily_counts._count(session, whose, since, NOON).values()) > EACH / 2
    assert months(session, lambda: daily_counts._count(session, whose, since, NOON)) == {THIS}


def test_the_stream_reads_the_month_that_its_page_is_in(session: Session, rana: Person) -> None:
    page = stream.read(session, rana)
    assert len(page.items) == stream.PER_PAGE
    assert months(session, lambda: stream.read(session, rana)) == {THIS}
    assert months(session, lambda: stream.read(session, rana, before=page.before)) == {THIS}
    assert months(session, lambda: stream.read(session, rana, "mine")) == {THIS}
    first = stream.cursor(page.items[-1].received_at, page.items[-1].id)
    assert stream.count_newer(session, rana, "all", first) == stream.PER_PAGE - 1
    assert months(session, lambda: stream.count_newer(session, rana, "all", first)) == {THIS}
