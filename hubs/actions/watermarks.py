"""Watermarks: up to when a source has been read completely, and since when messages may be missing."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from hubs.models import StoredMessage, Watermark, now
from hubs.models.watermark import DELETIONS

#: The history service.
HISTORY = "history"
#: Seconds for which a daemon may read before another takes over, unless it renews its lease.
LEASE = timedelta(seconds=120)


def ensure(session: Session, name: str = HISTORY) -> Watermark:
    """Return the watermark of a source; a new one starts at the newest stored message, or now if there is none."""
    mark = session.get(Watermark, name)
    if mark is None:
        newest = session.scalar(select(func.max(StoredMessage.sent_at)).where(StoredMessage.hub_id.is_(None)))
        mark = Watermark(name=name, complete_until=min(newest or now(), now()))
        session.add(mark)
        session.flush()
    return mark


def acquire(session: Session, name: str = HISTORY) -> bool:
    """Acquire the lease for reading a source; return False while another daemon holds it."""
    free = or_(Watermark.leased_until.is_(None), Watermark.leased_until < now())
    query = update(Watermark).where(Watermark.name == name, free).values(leased_until=now() + LEASE)
    return bool(session.connection().execute(query).rowcount)


def renew(session: Session, name: str = HISTORY) -> None:
    """Extend the lease that this daemon holds."""
    session.execute(update(Watermark).where(Watermark.name == name).values(leased_until=now() + LEASE))


def advance(session: Session, until: datetime, *, complete: bool, name: str = HISTORY) -> None:
    """Record that everything up to ``until`` is stored; ``complete`` if there is nothing left to read now.

    The mark never moves back, nor beyond our clock.
    """
    mark = ensure(session, name)
    mark.complete_until = max(mark.complete_until, min(until, now()))
    if complete:
        mark.checked_at = now()
        mark.missing_since, mark.reason = None, ""


def release(session: Session, name: str = HISTORY) -> None:
    """Release the lease."""
    session.execute(update(Watermark).where(Watermark.name == name).values(leased_until=None))


def note_missing(session: Session, since: datetime, reason: str, name: str = HISTORY) -> None:
    """Record that messages may be missing since a time; of several, the earliest counts."""
    mark = ensure(session, name)
    if mark.missing_since is None or since < mark.missing_since:
        mark.missing_since, mark.reason = since, reason[:64]


def note_deletion(session: Session) -> None:
    """Record that messages are deleted because somebody must not see them any more, which ends cached counts."""
    statement = """INSERT INTO watermarks (name, complete_until, reason) VALUES (:name, :now, '')
      ON CONFLICT (name) DO UPDATE SET complete_until = excluded.complete_until"""
    moment = bindparam("now", now(), type_=Watermark.complete_until.type)
    session.execute(text(statement).bindparams(moment), {"name": DELETIONS})
