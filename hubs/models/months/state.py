"""How well the months are kept, for `hubs doctor` and the metrics."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from hubs.models.base import now
from hubs.models.months import layout
from hubs.models.months.layout import OTHER


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
    last = known[-1].end if known else layout.start_of_month(now())
    query = text(f"SELECT count(*) FROM messages_{OTHER} WHERE received_at BETWEEN :end AND :now")  # noqa: S608
    return State(
        ahead=sum(partition.end > now() for partition in known),
        end=last,
        overdue=tuple(partition.suffix for partition in known if partition.start and partition.end < moment),
        misplaced=connection.scalar(query, {"end": last, "now": now()}) or 0,
    )


def end(connection: Connection) -> datetime | None:
    """Return the end of the last month that can store messages; None if the tables are not partitioned.

    Reads names only: unlike `read`, it does not wait where messages are locked.
    """
    if not layout.is_partitioned(connection):
        return None
    query = """SELECT max(relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = to_regclass('messages') AND relname ~ :month"""
    name = connection.scalar(text(query), {"month": r"^messages_\d{4}_\d\d$"})
    if name is None:
        return layout.start_of_month(now())
    return layout.month_of(datetime.strptime(f"{name}+0000", "messages_%Y_%m%z")).end


def about(connection: Connection) -> int:
    """Return about how many messages a table of PostgreSQL without partitions has, without counting them."""
    return int(connection.scalar(text("SELECT reltuples FROM pg_class WHERE oid = to_regclass('messages')")) or 0)
