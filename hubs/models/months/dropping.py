"""Months are dropped as a whole, without holding up readers or writers.

What somebody saved is copied beforehand, in small steps, into a partition that then takes the place of the old ones in
one short transaction. Triggers note what changes after it was copied, so that this transaction copies only that again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Select, column, select, table, text
from sqlalchemy.exc import DBAPIError

from hubs.models.database import Database
from hubs.models.months import layout, upkeep
from hubs.models.months.layout import CHANGES, OTHER, TABLES, Partition

log = logging.getLogger(__name__)

#: Messages that are copied in one transaction.
BATCH = 500
#: Milliseconds for which the exchange waits for each lock, seconds until it tries again, and how often it tries.
LOCK_TIMEOUT, PAUSE, TRIES = 25, 0.5, 60
#: The tables whose rows say what somebody saved.
MARKS = ("stream_marks", "notices")
_LOCK = 0x68756273
_NOTE = f"""CREATE OR REPLACE FUNCTION {CHANGES}_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO {CHANGES} VALUES ((to_jsonb(OLD) ->> TG_ARGV[0])::bigint);
  ELSE
    INSERT INTO {CHANGES} VALUES ((to_jsonb(NEW) ->> TG_ARGV[0])::bigint);
  END IF;
  RETURN NULL;
END $$"""  # noqa: S608 - names of our own


@dataclass(frozen=True)
class _Exchange:
    """The old partitions, the one that takes their place, and the query for the ids of messages that it has."""

    old: tuple[Partition, ...]
    new: Partition
    keep: Select[int]

    @property
    def sources(self) -> list[str]:
        """The partitions with messages of this time: one may have been stored when there was no month for it."""
        return [*(partition.suffix for partition in self.old), OTHER]


def drop_until(database: Database, moment: datetime, keep: Select[int]) -> None:
    """Drop the months that ended before a moment, except the messages whose ids ``keep`` selects.

    Those stay, with their people and packages, in one partition of everything before the first month. What cannot be
    locked is left to the next call. Does nothing while another process does this.
    """
    with database.engine.connect() as connection:
        if not layout.is_partitioned(connection):
            return
        if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")):
            return
        old = tuple(partition for partition in layout.partitions(connection) if partition.end <= moment)
        if any(partition.start for partition in old):
            new = layout.before(old[-1].end)
            with upkeep.reporting(f"drop the months before {new.end:%Y-%m-%d}"):
                _exchange(database, _Exchange(old, new, keep))
        with database.engine.connect() as reader:
            left = layout.detached(reader)
        for suffix in left:
            with upkeep.change(database, f"drop the tables of {suffix}") as changing:
                layout.drop(changing, suffix)
                log.info("the messages of %s are dropped", suffix)


def forget_changes(connection: Connection) -> None:
    """Remove what notes changes, also after an interruption."""
    # The triggers first: as long as there is one, it needs the table.
    connection.execute(text(f"DROP FUNCTION IF EXISTS {CHANGES}_note() CASCADE"))
    connection.execute(text(f"DROP TABLE IF EXISTS {CHANGES}"))


def _exchange(database: Database, exchange: _Exchange) -> None:
    suffix = exchange.new.suffix
    _attempt(database, lambda connection: _prepare(connection, exchange.new))
    try:
        for watched in _noted(exchange):
            _attempt(database, partial(_watch, *watched))
        for source in exchange.sources:
            _copy(database, exchange, source)
        _attempt(database, lambda connection: _swap(connection, exchange))
    except BaseException:
        _attempt(database, lambda connection: layout.drop(connection, suffix))
        raise
    finally:
        _attempt(database, forget_changes)


def _prepare(connection: Connection, new: Partition) -> None:
    """Create the tables of the new partition with all that attaching them would otherwise create and check."""
    forget_changes(connection)
    connection.execute(text(f"CREATE TABLE {CHANGES} (message_id bigint NOT NULL)"))
    connection.execute(text(_NOTE))
    layout.drop(connection, new.suffix)
    layout.create(connection, new.suffix)
    for name in TABLES:
        bound = f"CHECK (received_at IS NOT NULL AND received_at < '{new.end.isoformat()}')"
        connection.execute(text(f"ALTER TABLE {name}_{new.suffix} ADD {bound}"))
        for content in layout.indexes(connection, name).values():
            connection.execute(text(f"CREATE INDEX ON {name}_{new.suffix} USING {content}"))
    for definition in layout.foreign_keys(connection, "messages").values():
        connection.execute(text(f"ALTER TABLE messages_{new.suffix} ADD {definition}"))


def _noted(exchange: _Exchange) -> Iterator[tuple[str, str, str]]:
    """Yield the tables whose changes are noted, with their column that names the message, and the condition."""
    for source in exchange.sources:
        for name, key in TABLES.items():
            yield f"{name}_{source}", key.split(",")[0], ""
    for name in MARKS:
        yield name, "message_id", "WHEN (NEW.saved AND NEW.message_id IS NOT NULL)"


def _watch(name: str, key: str, condition: str, connection: Connection) -> None:
    events = "INSERT OR UPDATE" if condition else "INSERT OR UPDATE OR DELETE"
    call = f"FOR EACH ROW {condition} EXECUTE FUNCTION {CHANGES}_note('{key}')"
    connection.execute(text(f"CREATE OR REPLACE TRIGGER {CHANGES}_note AFTER {events} ON {name} {call}"))


def _copy(database: Database, exchange: _Exchange, source: str) -> None:
    leaf = table(f"messages_{source}", column("id"), column("received_at"))
    query = select(leaf.c.id).where(leaf.c.received_at < exchange.new.end, leaf.c.id.in_(exchange.keep))
    with database.engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        ids = list(connection.scalars(query))
    for start in range(0, len(ids), BATCH):
        with database.engine.begin() as connection:
            _insert(connection, exchange, source, ids[start : start + BATCH])


def _insert(connection: Connection, exchange: _Exchange, source: str, ids: Sequence[int]) -> None:
    for name, key in TABLES.items():
        listed = layout.columns(connection, name)
        connection.execute(
            text(
                f"INSERT INTO {name}_{exchange.new.suffix} ({listed}) SELECT {listed} FROM {name}_{source}"  # noqa: S608
                f" WHERE {key.split(',')[0]} = ANY(:ids) AND received_at < :end ON CONFLICT DO NOTHING"
            ),
            {"ids": list(ids), "end": exchange.new.end},
        )


def _swap(connection: Connection, exchange: _Exchange) -> None:
    # In the order in which storing messages locks them, and none of the months that stay.
    connection.execute(text(f"LOCK TABLE {', '.join(f'ONLY {name}' for name in TABLES)} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(text(f"LOCK TABLE {', '.join(MARKS)} IN SHARE ROW EXCLUSIVE MODE"))
    _copy_changes(connection, exchange)
    with layout.moving(connection):
        late = f"DELETE FROM messages_{OTHER} WHERE received_at < :end"  # noqa: S608 - names of our own
        connection.execute(text(late), {"end": exchange.new.end})
    detach = (
        f"ALTER TABLE {name} DETACH PARTITION {name}_{partition.suffix}"
        for partition in exchange.old
        for name in TABLES
    )
    connection.execute(text("; ".join(detach)))
    layout.attach(connection, exchange.new)


def _copy_changes(connection: Connection, exchange: _Exchange) -> None:
    """Copy again what changed since it was copied, and what was saved since then."""
    changed = list(connection.scalars(text(f"SELECT DISTINCT message_id FROM {CHANGES}")))  # noqa: S608
    if not changed:
        return
    new = f"messages_{exchange.new.suffix}"
    connection.execute(text(f"DELETE FROM {new} WHERE id = ANY(:ids)"), {"ids": changed})  # noqa: S608
    kept = list(connection.scalars(exchange.keep.where(exchange.keep.selected_columns[0].in_(changed))))
    for source in exchange.sources if kept else ():
        _insert(connection, exchange, source, kept)


def _attempt(database: Database, act: Callable[[Connection], None]) -> None:
    """Run a change of the schema in a transaction; try again if a table is in use."""
    for attempt in range(1, TRIES + 1):
        try:
            with database.engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}ms'"))
                act(connection)
        except DBAPIError as error:
            if not layout.is_locked(error) or attempt == TRIES:
                raise
            time.sleep(PAUSE)
        else:
            return
