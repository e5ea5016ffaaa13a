"""Marks of notifications: read, done, snoozed, saved; what time and other people change; removal."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, false, select, update
from sqlalchemy.orm import Session

from hubs.actions.inbox.listing import Box, concerns, in_box
from hubs.actions.inbox_changes import changed
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub, Invitation, Notice, NoticeKind, now
from hubs.permissions import Person

#: Most notifications that one request marks by their ids.
MOST = 200
#: Local time at which snoozes of whole days end.
MORNING = time(9)


class Mark(StrEnum):
    """What a person can do to a notification."""

    READ = "read"
    UNREAD = "unread"
    DONE = "done"
    REOPEN = "reopen"
    SAVE = "save"
    UNSAVE = "unsave"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"


class Snooze(StrEnum):
    """For how long notifications can be snoozed."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    NEXT_WEEK = "next-week"


#: The mark that undoes each mark.
UNDO = {
    Mark.READ: Mark.UNREAD,
    Mark.UNREAD: Mark.READ,
    Mark.DONE: Mark.REOPEN,
    Mark.REOPEN: Mark.DONE,
    Mark.SAVE: Mark.UNSAVE,
    Mark.UNSAVE: Mark.SAVE,
    Mark.SNOOZE: Mark.UNSNOOZE,
}


def wake_time(choice: Snooze, zone: ZoneInfo, moment: datetime | None = None) -> datetime:
    """Return the end of a snooze: after an hour, or at nine in the reader's time zone, tomorrow or next Monday."""
    moment = moment or now()
    if choice == Snooze.HOUR:
        return moment + timedelta(hours=1)
    local = moment.astimezone(zone)
    days = 1 if choice == Snooze.TOMORROW else 7 - local.weekday()
    return datetime.combine(local.date() + timedelta(days=days), MORNING, zone).astimezone(moment.tzinfo)


def mark(
    session: Session, person: Person, ids: Sequence[int], act: Mark, until: datetime | None = None
) -> tuple[int, datetime]:
    """Set a mark on a person's notifications; return how many it changed, and the time that `undo` takes.

    :raises InvalidInput: when there are more than `MOST` ids, or a snooze has no end in the future.
    """
    if len(ids) > MOST:
        raise InvalidInput(_("At most %(most)s notifications can be changed at once.") % {"most": MOST})
    return _apply(session, person, Notice.id.in_(ids), act, until)


def undo(session: Session, person: Person, act: Mark, moment: datetime) -> int:
    """Undo a change of marks that happened at ``moment``; return the number of notifications."""
    if act not in UNDO:
        raise InvalidInput(_("This change cannot be undone."))
    return _apply(session, person, Notice.changed_on == moment, UNDO[act], now() + timedelta(hours=1))[0]


def look(session: Session, person: Person, hub: Hub) -> None:
    """Mark the notifications about a hub as read, since the person opened it."""
    _apply(session, person, Notice.hub_id == hub.id, Mark.READ)


def read_all(session: Session, person: Person, box: Box | None = None) -> tuple[int, datetime]:
    """Mark all notifications of a person, or of one list, as read."""
    which = Notice.read.is_(False) if box is None else in_box(box, now())
    return _apply(session, person, which, Mark.READ)


def wake(session: Session) -> int:
    """Return snoozed notifications whose time is over to the top of their lists; return their number."""
    moment = now()
    query = update(Notice).where(Notice.snoozed_until <= moment)
    values = {"snoozed_until": None, "moved_on": moment, "read": False}
    people = session.scalars(query.values(values).returning(Notice.user_id)).all()
    changed(session, people)
    return len(people)


def purge(session: Session, days: int) -> None:
    """Delete notifications on which nothing happened for ``days``, and resolve expired invitations."""
    old = Notice.moved_on < now() - timedelta(days=days)
    query = delete(Notice).where(old, Notice.saved.is_(False)).returning(Notice.user_id)
    people = set(session.scalars(query))
    valid = select(Invitation.hub_id).where(
        Invitation.hub_id == Notice.hub_id, Invitation.user_id == Notice.user_id, Invitation.expires_on > now()
    )
    expired = update(Notice).where(Notice.kind == NoticeKind.INVITATION, Notice.done_on.is_(None), ~valid.exists())
    people |= set(session.scalars(expired.values(done_on=now()).returning(Notice.user_id)))
    changed(session, people)


def _apply(
    session: Session, person: Person, which: ColumnElement[bool], act: Mark, until: datetime | None = None
) -> tuple[int, datetime]:
    """Change the notifications that a person may see and that do not have the mark yet."""
    moment = now()
    condition, values = _change(act, moment, until)
    visible_ids = select(Notice.id).join(Notice.hub).where(concerns(person), which, condition)
    query = update(Notice).where(Notice.id.in_(visible_ids)).values({**values, "changed_on": moment})
    number = len(session.scalars(query.returning(Notice.id)).all())
    if number:
        changed(session, [person.id])
    return number, moment


def _change(act: Mark, moment: datetime, until: datetime | None) -> tuple[ColumnElement[bool], dict[str, Any]]:
    """Return the condition that selects the notifications without a mark, and the values that set it."""
    if act == Mark.SNOOZE:
        if until is None or until <= moment:
            raise InvalidInput(_("Please choose a time in the future."))
        return Notice.done_on.is_(None), {"snoozed_until": until}
    changes: dict[Mark, tuple[ColumnElement[bool], dict[str, Any]]] = {
        Mark.READ: (Notice.read.is_(False), {"read": True}),
        Mark.UNREAD: (Notice.read.is_(True), {"read": False}),
        Mark.DONE: (Notice.done_on.is_(None), {"done_on": moment, "resolved_by": "", "snoozed_until": None}),
        Mark.REOPEN: (Notice.done_on.is_not(None), {"done_on": None, "resolved_by": ""}),
        Mark.SAVE: (Notice.saved.is_(False), {"saved": True}),
        Mark.UNSAVE: (Notice.saved.is_(True), {"saved": False}),
        Mark.UNSNOOZE: (Notice.snoozed_until.is_not(None), {"snoozed_until": None}),
    }
    return changes.get(act, (false(), {}))
