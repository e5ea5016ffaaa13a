"""Months are created ahead, and what dropped ones leave behind is deleted."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hubs.models.base import now
from hubs.models.database import Database
from hubs.models.months import layout
from hubs.models.months.layout import IDS, LOCK_TIMEOUT, OTHER, TABLES, Partition

log = logging.getLogger(__name__)

#: Months that are there before they begin.
AHEAD = 2


def months_from(moment: datetime) -> Iterator[Partition]:
    """Yield the month that a moment belongs to and all later ones, until `AHEAD` after the one that is running."""
    month, ahead = layout.month_of(moment), layout.month_of(now())
    for _ in range(AHEAD):
        ahead = layout.month_of(ahead.end)
    while month.end <= ahead.end:
        yield month
        month = layout.month_of(month.end)


def create_ahead(database: Database) -> None:
    """Create the months until `AHEAD` after this one, and move into them what was stored elsewhere meanwhile.

    What cannot be locked at once is left to the next call.
    """
    with database.engine.connect() as connection:
        if not layout.is_partitioned(connection):
            return
        known = layout.partitions(connection)
    for month in months_from(known[-1].end if known else now()):
        with change(database, f"create the month {month.suffix}") as connection:
            _create(connection, month)


def beginning(connection: Connection) -> datetime | None:
    """Return the time before which messages are deleted one by one: the beginning of the first month.

    None if the tables are not partitioned.
    """
    if not layout.is_partitioned(connection):
        return None
    months = [partition.start for partition in layout.partitions(connection) if partition.start is not None]
    return min(months, default=now())


def without_message(connection: Connection, before: datetime, limit: int) -> list[int]:
    """Return the oldest identities received before a moment whose messages were dropped with their month, by id."""
    query = text(
        f"""SELECT message_id FROM {IDS} WHERE received_at < :before AND NOT EXISTS (
          SELECT FROM messages WHERE id = message_id AND messages.received_at = {IDS}.received_at)
        ORDER BY received_at LIMIT :limit"""  # noqa: S608 - names of our own
    )
    return list(connection.scalars(query, {"before": before, "limit": limit}))


def forget(connection: Connection, message_ids: Sequence[int]) -> None:
    """Delete identities, and with them what refers to their messages."""
    if message_ids:
        query = text(f"DELETE FROM {IDS} WHERE message_id = ANY(:ids)")  # noqa: S608 - names of our own
        connection.execute(query, {"ids": list(message_ids)})


def _create(connection: Connection, month: Partition) -> None:
    # As long as a row of the month is elsewhere, the month cannot be attached.
    names = ", ".join(f"{name}_{OTHER}" for name in TABLES)
    connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    if month.suffix in _suffixes(connection):
        return  # created by another daemon, which had this lock
    layout.create(connection, month.suffix)
    here, times = "received_at >= :start AND received_at < :end", {"start": month.start, "end": month.end}
    with layout.moving(connection):
        for name in TABLES:
            listed = layout.columns(connection, name)
            connection.execute(
                text(
                    f"INSERT INTO {name}_{month.suffix} ({listed})"  # noqa: S608 - names of our own
                    f" SELECT {listed} FROM {name}_{OTHER} WHERE {here}"
                ),
                times,
            )
        connection.execute(
            text(f"DELETE FROM messages_{OTHER} WHERE {here}"),  # noqa: S608 - names of our own
            times,
        )
    layout.attach(connection, month)
    log.info("the month %s can store messages", month.suffix)


def _suffixes(connection: Connection) -> set[str]:
    return {partition.suffix for partition in layout.partitions(connection)}


@contextmanager
def change(database: Database, what: str) -> Iterator[Connection]:
    """Change the schema in a transaction of its own; give up if a table is in use for longer than `LOCK_TIMEOUT`."""
    with reporting(what), database.engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}ms'"))
        yield connection


@contextmanager
def reporting(what: str) -> Iterator[None]:
    """Log that a change, named with its verb, is not possible now or not allowed, instead of raising an error."""
    try:
        yield
    except DBAPIError as error:
        if layout.is_forbidden(error):
            log.warning("the database user does not own the tables of messages, and cannot %s", what)
        elif layout.is_locked(error):
            log.info("cannot %s while the tables are in use; trying again later", what)
        else:
            raise
