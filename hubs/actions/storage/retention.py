"""Removes old messages, except those that somebody saved.

On PostgreSQL whole months are dropped once all of their messages are old; what the months do not have is deleted row
by row, as are all old messages where the tables are not partitioned.
"""

from datetime import timedelta

from sqlalchemy import Select, delete, select, union
from sqlalchemy.orm import Session

from hubs.actions import inbox_changes
from hubs.models import Database, Notice, StoredMessage, StreamMark, now
from hubs.models.months import conversion, dropping, upkeep

#: Most old messages that are removed in one transaction.
REMOVED = 5_000


def keep_months(database: Database, days: int) -> None:
    """Create the next months and drop those that ended more than ``days`` ago; do nothing without partitions."""
    conversion.abandon(database)
    upkeep.create_ahead(database)
    dropping.drop_until(database, now() - timedelta(days=days), saved())


def purge(session: Session, days: int) -> bool:
    """Delete messages received more than ``days`` ago, the oldest first, except those that somebody saved.

    Messages of a month stay until the month is dropped. Deletes at most `REMOVED`, so that the transaction stays short;
    returns whether there may be more.
    """
    old, dropped = now() - timedelta(days=days), list[int]()
    beginning = upkeep.beginning(session.connection())
    if beginning is not None:
        old = min(old, beginning)
        dropped = upkeep.without_message(session.connection(), old, REMOVED)
    query = select(StoredMessage.id).where(StoredMessage.received_at < old, StoredMessage.id.not_in(saved()))
    message_ids = session.scalars(query.order_by(StoredMessage.received_at).limit(REMOVED)).all()
    inbox_changes.note_deletion(session, [*message_ids, *dropped])
    removed = delete(StoredMessage).where(StoredMessage.id.in_(message_ids), StoredMessage.received_at < old)
    session.execute(removed, execution_options={"synchronize_session": False})
    upkeep.forget(session.connection(), dropped)
    return REMOVED in (len(message_ids), len(dropped))


def saved() -> Select[int]:
    """Return the query for the ids of messages that outlive the retention."""
    marked = select(StreamMark.message_id).where(StreamMark.saved)
    noticed = select(Notice.message_id).where(Notice.saved, Notice.message_id.is_not(None))
    return select(union(marked, noticed).subquery().c.message_id)
