"""The partitions: how they are named and created.

A month is three tables, one for each of `TABLES`, whose foreign keys stay within the month. ``before`` is what was
stored before the tables were partitioned; once months are dropped, ``before_2025_03`` takes its place and theirs, with
what somebody saved. ``other`` takes what belongs to no month, so that an insert never fails.

Identities stay unique across months in ``message_ids``, a table without partitions. Triggers keep it: a message whose
identity is taken is not inserted, and a deleted one takes its identity along, and with it what refers to it there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

#: The partitioned tables, each after the one that it refers to, with the columns of their keys.
TABLES = {
    "messages": "id, received_at",
    "message_people": "message_id, username",
    "message_packages": "message_id, package",
}
#: The tables that refer to messages of any month.
REFERRING = ("notices", "stream_marks", "help_claims")
#: The table of identities, and the partitions that are no months.
IDS, BEFORE, OTHER = "message_ids", "before", "other"
#: The table, while months are dropped, of messages that change meanwhile.
CHANGES = "message_changes"
#: Milliseconds for which a change waits for a table in use, during which others wait behind it.
LOCK_TIMEOUT = 100
_PARTITION = re.compile(rf"({'|'.join(TABLES)})_((?:{BEFORE}_)?\d{{4}}_\d\d|{BEFORE}|{OTHER})")
_BOUNDS = re.compile(r"FOR VALUES FROM \((.+)\) TO \('(.+)'\)")
_LOCK_NOT_AVAILABLE, _DEADLOCK, _INSUFFICIENT_PRIVILEGE = "55P03", "40P01", "42501"


@dataclass(frozen=True, slots=True)
class Partition:
    """A month, or what is before all months: what its tables end with, and which messages it has."""

    suffix: str
    #: The times of receipt; None means without a beginning.
    start: datetime | None
    end: datetime


def is_partitioned(connection: Connection) -> bool:
    """Return whether the tables of messages are partitioned."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.scalar(text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass('messages')")))


def is_ours(name: str) -> bool:
    """Return whether a table is one of partitions or of identities, which the models do not have."""
    return name in (IDS, CHANGES) or _PARTITION.fullmatch(name) is not None


def compared(connection: Connection) -> Callable[..., bool]:
    """Return the function that tells alembic which constraints of the database it compares with the models.

    The models describe tables without partitions, where the keys of messages are in one table.
    """
    if not is_partitioned(connection):
        return lambda *_: True

    def is_compared(constraint: Any, name: str | None, kind: str, *_: object) -> bool:
        if kind == "foreign_key_constraint":
            return constraint.elements[0].target_fullname.partition(".")[0] not in ("messages", IDS)
        return kind != "unique_constraint" or name != "uq_messages_msg_id"

    return is_compared


def partitions(connection: Connection) -> list[Partition]:
    """Return the partitions of `messages` with a range, the oldest first."""
    query = """SELECT relname, pg_get_expr(relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = to_regclass('messages')"""
    connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")  # in which the bounds are printed
    ranges = []
    for name, bounds in connection.execute(text(query)):
        if match := _BOUNDS.fullmatch(bounds):
            start = None if match[1] == "MINVALUE" else datetime.fromisoformat(match[1].strip("'"))
            ranges.append(Partition(name.removeprefix("messages_"), start, datetime.fromisoformat(match[2])))
    return sorted(ranges, key=lambda partition: partition.end)


def start_of_month(moment: datetime) -> datetime:
    """Return the beginning, in UTC, of the month that a moment belongs to."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_of(moment: datetime) -> Partition:
    """Return the month, in UTC, that a message received at a moment belongs to."""
    start = start_of_month(moment)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return Partition(f"{start:%Y_%m}", start, end)


def before(end: datetime) -> Partition:
    """Return the partition of everything before the first month, once months were dropped: saved messages."""
    return Partition(f"{BEFORE}_{end:%Y_%m}", None, end)


def create(connection: Connection, suffix: str, parents: str = "") -> None:
    """Create the tables of a partition, without attaching them, like the tables whose names end with ``parents``."""
    for table, key in TABLES.items():
        inside = (
            ""
            if table == "messages"
            else f""",
          FOREIGN KEY (message_id, received_at) REFERENCES messages_{suffix} (id, received_at) ON DELETE CASCADE"""
        )
        connection.execute(
            text(
                f"CREATE TABLE {table}_{suffix} (LIKE {table}{parents} INCLUDING DEFAULTS, PRIMARY KEY ({key}){inside})"
            )
        )


def attach(connection: Connection, partition: Partition, parents: str = "") -> None:
    """Attach the tables of a partition to those whose names end with ``parents``."""
    start = f"'{partition.start.isoformat()}'" if partition.start else "MINVALUE"
    bounds = f"FROM ({start}) TO ('{partition.end.isoformat()}')"
    for table in TABLES:
        connection.execute(
            text(f"ALTER TABLE {table}{parents} ATTACH PARTITION {table}_{partition.suffix} FOR VALUES {bounds}")
        )


def drop(connection: Connection, suffix: str) -> None:
    """Drop the tables of a partition that is not attached, if there are any."""
    for table in reversed(TABLES):
        connection.execute(text(f"DROP TABLE IF EXISTS {table}_{suffix}"))


def detached(connection: Connection) -> list[str]:
    """Return the partitions whose tables are there, but not attached, because a program was killed meanwhile."""
    query = """SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition
      AND relnamespace = current_schema()::regnamespace"""
    names = (_PARTITION.fullmatch(name) for name in connection.scalars(text(query)))
    return sorted({match[2] for match in names if match})


@contextmanager
def moving(connection: Connection) -> Iterator[None]:
    """Move rows between partitions in this transaction: what is deleted keeps its identity and what refers to it."""
    connection.execute(text("SET LOCAL hubs.moving = 'on'"))
    yield
    connection.execute(text("SET LOCAL hubs.moving = 'off'"))


def columns(connection: Connection, table: str) -> str:
    """Return the names of a table's columns, which may be in another order in a partition."""
    query = """SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
      WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped"""
    return str(connection.scalar(text(query), {"name": table}))


def identity_key(table: str) -> str:
    """Return the name of the foreign key with which a table refers to identities."""
    return f"fk_{table}_message_id_{IDS}"


def indexes(connection: Connection, table: str) -> dict[str, str]:
    """Return a table's indexes that belong to no key: what follows ``USING`` in their definitions, by name."""
    query = """SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = CAST(:name AS regclass) AND NOT i.indisunique ORDER BY 1"""
    rows = connection.execute(text(query), {"name": table})
    return {name: definition.partition(" USING ")[2] for name, definition in rows}


def foreign_keys(connection: Connection, table: str) -> dict[str, str]:
    """Return the definitions of a table's foreign keys, by name."""
    query = """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE conrelid = CAST(:name AS regclass) AND contype = 'f' ORDER BY 1"""
    return {row[0]: row[1] for row in connection.execute(text(query), {"name": table})}


def is_locked(error: DBAPIError) -> bool:
    """Return whether a change gave up because a table was in use."""
    return getattr(error.orig, "pgcode", None) in (_LOCK_NOT_AVAILABLE, _DEADLOCK)


def is_forbidden(error: DBAPIError) -> bool:
    """Return whether a change was refused because the tables belong to another database user."""
    return getattr(error.orig, "pgcode", None) == _INSUFFICIENT_PRIVILEGE
