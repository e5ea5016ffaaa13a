"""A PostgreSQL database with messages of several months, for the tests of partitions."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from hubs.actions import messages
from hubs.actions.people import roles, stream
from hubs.actions.storage import retention
from hubs.bus import Message, parse
from hubs.models import (
    Database,
    Hub,
    Notice,
    NoticeKind,
    NoticeReason,
    StoredMessage,
    User,
    now,
)
from hubs.models.months import conversion, layout, undo
from hubs.permissions import person
from hubs.widgets.registry import Registry

#: Days after which messages are old, and the times of messages of which two months are.
DAYS = 100
NOW = now()
TIMES = {"ancient": NOW - timedelta(days=900), "old": NOW - timedelta(days=200), "new": NOW - timedelta(minutes=2)}
TABLES = (*layout.TABLES, layout.IDS, "notices", "stream_marks")


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[Database]:
    """Give a database with a person and a hub, and months since a year ago."""
    database = Database(database_url, info={"site_url": "http://127.0.0.1"})
    undo.unpartition(database)
    with database.transaction() as session:
        roles.sign_up(session, Registry(), "rana")
    yield database
    database.dispose()


@pytest.fixture
def database(server: Database) -> Iterator[Database]:
    """Give it without messages, partitioned."""
    with server.engine.begin() as connection:
        connection.execute(text("DELETE FROM messages"))
    conversion.partition_empty(server, NOW - timedelta(days=300))
    yield server
    undo.unpartition(server)


def message(msg_id: str, received_at: datetime) -> Message:
    envelope = {"topic": "a.b.dev.wiki.article.edit", "msg": {}, "msg_id": msg_id, "timestamp": received_at.timestamp()}
    named = replace(parse(envelope), users=frozenset({"rana", "otto"}), packages=frozenset({"tidepool"}))
    return replace(named, received_at=received_at, sentence=f"The {msg_id} edit")


def store(database: Database, *stored: Message) -> list[str]:
    with database.transaction() as session:
        return [message.msg_id for message in messages.store(session, stored)]


def store_all(database: Database) -> dict[str, int]:
    """Store one message of each time, with a notification about each; return their ids."""
    store(database, *(message(name, moment) for name, moment in TIMES.items()))
    with database.transaction() as session:
        ids = {row.msg_id: row.id for row in session.query(StoredMessage)}
        user, hub_id = session.query(User).one(), session.query(Hub).one().id
        for name, number in ids.items():
            session.add(
                Notice(
                    user_id=user.id,
                    hub_id=hub_id,
                    kind=NoticeKind.MENTION,
                    reason=NoticeReason.MENTIONED,
                    subject=name,
                    message_id=number,
                    created_on=TIMES[name],
                )
            )
    return ids


def places(database: Database) -> dict[str, str]:
    """Return what the partition of each message is called."""
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT msg_id, tableoid::regclass::text FROM messages"))
        return {name: place.removeprefix("messages_") for name, place in rows}


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


def shown(database: Database, narrow: str = "all") -> list[str]:
    with database.session() as session:
        user = session.query(User).one()
        return [item.fallback for item in stream.read(session, person(user.id, user.username, ()), narrow).items]


def forget(database: Database) -> None:
    """Do as the daemon does every hour."""
    retention.keep_months(database, DAYS)
    with database.transaction() as session:
        assert not retention.purge(session, DAYS)


def counts_of_plain(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        assert not layout.is_partitioned(connection)
        plain = (table for table in TABLES if table != layout.IDS)
        found = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in plain}
    return {**found, layout.IDS: 0}
