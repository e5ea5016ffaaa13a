"""Reads and purges the audit log, which is written by `hubs.actions.outbox.record`."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hubs.models import AuditEntry, Hub, now

#: Entries on one page.
PAGE = 100


def newest_first(
    session: Session, hub: Hub | None = None, before: int | None = None, agent: str = "", limit: int = PAGE
) -> tuple[list[AuditEntry], int | None]:
    """Return entries, newest first, of one hub or of all, and the value of ``before`` for the next page, if any.

    ``agent`` selects the actions of one account.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    if hub is not None:  # SQLite reuses ids: entries from before the hub was created are about a deleted one
        query = query.where(AuditEntry.hub_id == hub.id, AuditEntry.at >= hub.created_on)
    if agent:
        query = query.where(AuditEntry.agent == agent)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    entries = list(session.scalars(query))
    return entries[:limit], entries[limit - 1].id if len(entries) > limit else None


def purge(session: Session, days: int) -> None:
    """Remove entries older than ``days``."""
    session.execute(delete(AuditEntry).where(AuditEntry.at < now() - timedelta(days=days)))
