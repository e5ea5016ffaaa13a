"""Partitions the tables of stored messages while they are in use.

The tables become the partition ``before`` as they are: constraints that are validated beforehand prove that their rows
belong there, so that nothing is copied or read while they are locked.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hubs.models.base import now
from hubs.models.database import Database
from hubs.models.months import layout, triggers, upkeep
from hubs.models.months.layout import BEFORE, IDS, LOCK_TIMEOUT, OTHER, REFERRING, TABLES, Partition

log = logging.getLogger(__name__)

#: Messages of one step; seconds until a change that found a table in use is tried again, and how often.
BATCH, PAUSE, TRIES = 20_000, 0.5, 120
#: The shortest time between the conversion and the first month. Meanwhile the old tables refuse later messages, so an
#: interrupted conversion is undone, by `abandon`, once less than half of it is left.
MARGIN = timedelta(days=4)
#: The tables before they take the place of the old ones; the constraint that says what the old ones contain.
_NEW, _BOUND = "_new", "ck_{}_before"


def partition(database: Database) -> None:
    """Partition the tables of stored messages by month, while they are in use; continue after an interruption.

    Every process must run a version that knows partitions.
    """
    _change(database, clear)
    _change(database, _prepare)
    _in_batches(database, _note_identities)
    _in_batches(database, _note_packages)
    end = layout.month_of(now() + MARGIN).end
    _change(database, lambda connection: _constrain(connection, end))
    try:
        _validate(database)
        _change(database, lambda connection: _create_parents(connection, end))
        _change(database, lambda connection: _swap(connection, end))
    except BaseException:
        _change(database, clear)
        raise
    log.info("stored messages are partitioned by month from %s on", end)


def partition_empty(database: Database, first: datetime | None = None) -> None:
    """Partition the tables of a new database by month; do nothing if there are messages.

    The first month is the one of the moment ``first``, or the one that is running.
    """
    end = layout.start_of_month(first or now())

    def partition_if_empty(connection: Connection) -> None:
        connection.execute(text(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE"))
        if not layout.is_partitioned(connection) and not connection.scalar(text("SELECT id FROM messages LIMIT 1")):
            clear(connection)
            _prepare(connection)
            _constrain(connection, end)
            for table, name in _constraints().items():
                _validate_one(connection, table, name)
            _create_parents(connection, end)
            _swap(connection, end)

    _change(database, partition_if_empty)


def abandon(database: Database) -> None:
    """Undo an interrupted conversion before the old tables refuse messages because of it."""
    with database.engine.connect() as connection:
        if connection.dialect.name != "postgresql" or layout.is_partitioned(connection):
            return
        query = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"
        bound = connection.scalar(text(query), {"name": _BOUND.format("messages")})
    if bound and datetime.fromisoformat(bound.split("'")[1]) < now() + MARGIN / 2:
        _change(database, clear)
        log.warning("an interrupted `hubs db partition` is undone; run it again")


def clear(connection: Connection) -> None:
    """Remove what an interrupted conversion left, except the identities."""
    for table in reversed(TABLES):
        connection.execute(text(f"DROP TABLE IF EXISTS {table}{_NEW}"))
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_BOUND.format(table)}"))
    for suffix in layout.detached(connection):
        layout.drop(connection, suffix)


def _prepare(connection: Connection) -> None:
    triggers.create(connection)
    triggers.watch(connection, "messages")


def _note_identities(connection: Connection, first: int, last: int) -> None:
    # Locked, so that the trigger of whoever deletes a message meanwhile finds its identity.
    connection.execute(
        text(
            f"""INSERT INTO {IDS} (msg_id, message_id, received_at)
            SELECT msg_id, id, received_at FROM messages WHERE id BETWEEN :first AND :last FOR KEY SHARE
            ON CONFLICT DO NOTHING"""  # noqa: S608 - names of our own
        ),
        {"first": first, "last": last},
    )


def _note_packages(connection: Connection, first: int, last: int) -> None:
    connection.execute(
        text(
            """UPDATE message_packages SET received_at = messages.received_at FROM messages
            WHERE messages.id = message_id AND message_packages.received_at IS NULL
            AND message_id BETWEEN :first AND :last"""
        ),
        {"first": first, "last": last},
    )


def _constrain(connection: Connection, end: datetime) -> None:
    """Add the constraints that the tables will need, without reading the rows that are there."""
    for table in TABLES:
        bound = f"CHECK (received_at IS NOT NULL AND received_at < '{end.isoformat()}') NOT VALID"
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {_BOUND.format(table)} {bound}"))
    for table in REFERRING:
        key = f"FOREIGN KEY (message_id) REFERENCES {IDS} (message_id) ON DELETE CASCADE NOT VALID"
        name = layout.identity_key(table)
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {key}"))


def _validate(database: Database) -> None:
    """Check the rows that are there, which holds up nobody."""
    for table, name in _constraints().items():
        _change(database, partial(_validate_one, table=table, name=name))


def _constraints() -> dict[str, str]:
    bounds = {table: _BOUND.format(table) for table in TABLES}
    return bounds | {table: layout.identity_key(table) for table in REFERRING}


def _validate_one(connection: Connection, table: str, name: str) -> None:
    connection.execute(text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))


def _create_parents(connection: Connection, end: datetime) -> None:
    """Create the partitioned tables beside the old ones, with the first months."""
    for table in TABLES:
        like = f"(LIKE {table} INCLUDING DEFAULTS) PARTITION BY RANGE (received_at)"
        connection.execute(text(f"CREATE TABLE {table}{_NEW} {like}"))
        for name, content in layout.indexes(connection, table).items():
            connection.execute(text(f"CREATE INDEX {name}{_NEW} ON {table}{_NEW} USING {content}"))
    for name, definition in layout.foreign_keys(connection, "messages").items():
        connection.execute(text(f"ALTER TABLE messages{_NEW} ADD CONSTRAINT {name} {definition}"))
    layout.create(connection, OTHER, _NEW)
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table}{_NEW} ATTACH PARTITION {table}_{OTHER} DEFAULT"))
    for month in upkeep.months_from(end):
        layout.create(connection, month.suffix, _NEW)
        layout.attach(connection, month, _NEW)
    triggers.guard(connection, f"messages{_NEW}")


def _swap(connection: Connection, end: datetime) -> None:
    """Put the partitioned tables in the place of the old ones, which become their partition `BEFORE`."""
    connection.execute(text(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE"))
    triggers.unwatch(connection, "messages")
    for table in REFERRING:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_message_id"))
    for table in TABLES:
        for name in layout.indexes(connection, table):
            connection.execute(text(f"ALTER INDEX {name} RENAME TO {name}_{BEFORE}"))
            connection.execute(text(f"ALTER INDEX {name}{_NEW} RENAME TO {name}"))
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_{BEFORE}"))
        connection.execute(text(f"ALTER TABLE {table}{_NEW} RENAME TO {table}"))
    connection.execute(text("ALTER SEQUENCE messages_id_seq OWNED BY messages.id"))
    layout.attach(connection, Partition(BEFORE, None, end))
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table}_{BEFORE} DROP CONSTRAINT {_BOUND.format(table)}"))


def _in_batches(database: Database, act: Callable[[Connection, int, int], None]) -> None:
    """Run a change for all messages that are there, in the order of their ids, each step in its own transaction."""
    with database.engine.connect() as connection:
        first, last = connection.execute(text("SELECT min(id), max(id) FROM messages")).one()
    for start in range(first or 1, (last or 0) + 1, BATCH):
        with database.engine.begin() as connection:
            act(connection, start, start + BATCH - 1)


def _change(database: Database, act: Callable[[Connection], None]) -> None:
    """Run a change of the schema in a transaction; try again if a table is in use for longer than `LOCK_TIMEOUT`."""
    for attempt in range(1, TRIES + 1):
        try:
            with database.engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}ms'"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                act(connection)
        except OperationalError as error:
            if not layout.is_locked(error) or attempt == TRIES:
                raise
            log.info("a table is in use; trying again in %s seconds", PAUSE)
            time.sleep(PAUSE)
        else:
            return
