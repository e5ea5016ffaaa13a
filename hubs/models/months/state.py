"""How well the months are kept, for `hubs doctor` and the metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hubs.models.base import now
from hubs.models.months import layout
from hubs.models.months.layout import OTHER, Partition


@dataclass(frozen=True, slots=True)
class State:
    """The months that are there, and what is wrong with them."""

    #: The months that have not ended.
    ahead: int
    #: The end of the last month.
    end: datetime
    #: The names of months that ended before the moment that was asked for, the oldest first.
    overdue: tuple[str, ...]
    #: Messages in the partition for the rest that were received since the end of the last month, until now.
    misplaced: int


def read(connection: Connection, moment: datetime) -> State | None:
    """Return the state of the months, of which those that ended before a moment are overdue.

    None if the tables are not partitioned.
    """
    if not layout.is_partitioned(connection):
        return None
    known = layout.partitions(connection)
    last = _end(known)
    query = text(f"SELECT count(*) FROM messages_{OTHER} WHERE received_at BETWEEN :end AND :now")  # noqa: S608
    return State(
        ahead=sum(partition.end > now() for partition in known),
        end=last,
        overdue=tuple(partition.suffix for partition in known if partition.start and partition.end < moment),
        misplaced=connection.scalar(query, {"end": last, "now": now()}) or 0,
    )


def end(connection: Connection) -> datetime | None:
    """Return the end of the last month that can store messages; None if the tables are not partitioned."""
    return _end(layout.partitions(connection)) if layout.is_partitioned(connection) else None


def _end(known: Sequence[Partition]) -> datetime:
    return known[-1].end if known else layout.start_of_month(now())


def about(connection: Connection) -> int:
    """Return about how many messages a table of PostgreSQL without partitions has, without counting them."""
    return int(connection.scalar(text("SELECT reltuples FROM pg_class WHERE oid = to_regclass('messages')")) or 0)
