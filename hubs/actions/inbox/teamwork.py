"""Requests to a team are one item for all its owners: one of them takes it, and the others see who did."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing
from hubs.actions.inbox_changes import changed
from hubs.errors import Conflict, NotFound
from hubs.i18n import _
from hubs.models import Notice, NoticeKind, now
from hubs.permissions import Person

#: How long an owner who took a request keeps it.
TAKEN = timedelta(days=7)
_FREE = {"taken_by": "", "taken_until": None, "needs_you": True}


def take(session: Session, person: Person, notice_id: int) -> Notice:
    """Take a request to a team: it needs this owner alone for seven days, and is news for the others.

    :raises Conflict: when another owner has taken it.
    """
    notice = _request(session, person, notice_id)
    # One statement, so that of two owners at the same time one gets it.
    free = or_(Notice.taken_by == "", Notice.taken_by == person.username)
    values = {"taken_by": person.username, "taken_until": now() + TAKEN, "needs_you": Notice.user_id == person.id}
    if not _update(session, notice, free, values):
        raise Conflict(_("%(username)s is already working on this.") % {"username": notice.taken_by})
    return notice


def release(session: Session, person: Person, notice_id: int) -> Notice:
    """Give a request that the person took back to all owners."""
    notice = _request(session, person, notice_id)
    if not _update(session, notice, Notice.taken_by == person.username, _FREE):
        raise Conflict(_("You are not working on this."))
    return notice


def lapse(session: Session) -> int:
    """Give requests whose seven days are over back to all owners; return the number of notifications."""
    over = and_(Notice.taken_until <= now(), Notice.taken_by != "")
    people = session.scalars(update(Notice).where(over).values(_FREE).returning(Notice.user_id)).all()
    changed(session, people)
    return len(people)


def _request(session: Session, person: Person, notice_id: int) -> Notice:
    notices = listing.find(session, person, [notice_id])
    if not notices or notices[0].kind != NoticeKind.JOIN_REQUEST or notices[0].done_on is not None:
        raise NotFound(_("There is no such request, or it has already been answered."))
    return notices[0]


def _update(session: Session, notice: Notice, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Change all owners' notifications of a request; return their number."""
    query = update(Notice).where(Notice.subject == notice.subject, Notice.done_on.is_(None), which)
    people = session.scalars(query.values(values).returning(Notice.user_id)).all()
    changed(session, people)
    session.refresh(notice)
    return len(people)
