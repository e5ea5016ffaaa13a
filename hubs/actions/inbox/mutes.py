"""Mutes: subjects, people, hubs and reasons about which a person gets no notifications."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hubs.actions.inbox import items
from hubs.actions.inbox_changes import changed
from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import MuteScope, Notice, NoticeMute, NoticeReason, now
from hubs.permissions import Person

#: Most mutes of a person.
MOST = 500


def mute(session: Session, person: Person, scope: MuteScope, value: str, label: str = "") -> datetime:
    """Mute a subject, person, hub or reason, and mark its open notifications as done.

    Return the time by which `unmute` reopens these.
    """
    if not value or len(value) > 255 or (scope == MuteScope.REASON and value not in list(NoticeReason)):
        raise InvalidInput(_("Please choose what to mute."))
    moment = now()
    row = session.get(NoticeMute, (person.id, scope, value))
    if row is None:
        query = select(func.count()).select_from(NoticeMute).where(NoticeMute.user_id == person.id)
        if (session.scalar(query) or 0) >= MOST:
            raise Conflict(_("You can mute at most %(most)s things. Unmute some first.") % {"most": MOST})
        session.add(NoticeMute(user_id=person.id, scope=scope, value=value, label=(label or value)[:255]))
    session.flush()
    mine = (Notice.user_id == person.id, Notice.done_on.is_(None), items.muted_by(scope, value))
    session.execute(update(Notice).where(*mine).values(done_on=moment, changed_on=moment, snoozed_until=None))
    changed(session, [person.id])
    return moment


def unmute(session: Session, person: Person, scope: MuteScope, value: str, moment: datetime | None = None) -> None:
    """Remove a mute; with the time that `mute` returned, also reopen what it marked as done."""
    key = (NoticeMute.user_id == person.id, NoticeMute.scope == scope, NoticeMute.value == value)
    session.execute(delete(NoticeMute).where(*key))
    if moment is not None:
        marked = (Notice.user_id == person.id, Notice.changed_on == moment, items.muted_by(scope, value))
        session.execute(update(Notice).where(*marked).values(done_on=None))
    changed(session, [person.id])


def mine(session: Session, person: Person) -> list[NoticeMute]:
    """Return a person's mutes, newest first."""
    query = select(NoticeMute).where(NoticeMute.user_id == person.id).order_by(NoticeMute.created_on.desc())
    return list(session.scalars(query.limit(MOST)))
