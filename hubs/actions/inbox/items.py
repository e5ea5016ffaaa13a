"""Delivers notifications, and resolves those whose subject is finished."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, false, or_, select, update
from sqlalchemy.orm import Session

from hubs.actions.inbox_changes import changed
from hubs.models import Hub, MuteScope, Notice, NoticeKind, NoticeMute, NoticeReason, User, now

#: For each kind that Hubs itself causes: its reason, and whether the person is expected to act.
OWN = {
    NoticeKind.JOIN_REQUEST: (NoticeReason.REQUESTED, True),
    NoticeKind.INVITATION: (NoticeReason.INVITED, True),
    NoticeKind.APPROVED: (NoticeReason.ROLE_CHANGED, False),
    NoticeKind.DENIED: (NoticeReason.ROLE_CHANGED, False),
    NoticeKind.HELP_OFFERED: (NoticeReason.REPLIED, False),
    NoticeKind.HELP_REMINDER: (NoticeReason.ASSIGNED, True),
    NoticeKind.HELP_FREED: (NoticeReason.NEWS, False),
}
_REASONS = tuple(NoticeReason)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one person."""

    user_id: int
    hub_id: int
    kind: NoticeKind
    reason: NoticeReason
    needs_you: bool
    subject: str
    about: str = ""
    message_id: int | None = None

    @property
    def key(self) -> tuple[int, str, bool]:
        """What identifies the row that it updates."""
        return self.user_id, self.subject, self.needs_you


def subject_of(kind: NoticeKind, hub: Hub, about: str) -> str:
    """Return the subject of an event that Hubs itself causes."""
    if kind == NoticeKind.JOIN_REQUEST:
        return f"join:{hub.id}:{about}"
    return f"invitation:{hub.id}" if kind == NoticeKind.INVITATION else f"membership:{hub.id}"


def tell(
    session: Session, hub: Hub, kind: NoticeKind, people: Iterable[User], about: str, subject: str = ""
) -> list[Notice]:
    """Notify each of ``people`` of an event on ``hub`` that ``about`` caused."""
    reason, needs_you = OWN[kind]
    subject = subject or subject_of(kind, hub, about)
    return deliver(
        session, [Delivery(user.id, hub.id, kind, reason, needs_you, subject, about=about) for user in people]
    )


def deliver(session: Session, deliveries: Sequence[Delivery]) -> list[Notice]:
    """Add or update the rows of events in the order given, except muted ones; return the rows.

    A row that was read or done becomes unread and open again; an unread one moves up and counts one event more.
    """
    deliveries = unmuted(session, deliveries)
    # A request that another owner took is news only until that ends.
    rows = {
        (row.user_id, row.subject, row.needs_you or row.taken_until is not None): row
        for row in _existing(session, deliveries)
    }
    changes: dict[int, Notice] = {}
    for delivery in deliveries:
        row = rows.get(delivery.key)
        if row is None:
            row = rows[delivery.key] = Notice(
                user_id=delivery.user_id,
                needs_you=delivery.needs_you,
                subject=delivery.subject,
                reason=delivery.reason,
                events=0,
                read=False,
            )
            session.add(row)
        _update(row, delivery)
        changes[id(row)] = row
    session.flush()
    changed(session, {row.user_id for row in changes.values()})
    return list(changes.values())


def unmuted(session: Session, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the events without those that their person muted."""
    user_ids = {delivery.user_id for delivery in deliveries}
    mutes: set[tuple[int, MuteScope, str]] = set()
    if user_ids:
        rows = session.execute(_mutes(), {"user_ids": list(user_ids)})
        mutes = {(user_id, scope, value) for user_id, scope, value in rows}
    return [delivery for delivery in deliveries if mutes.isdisjoint(_mutable(delivery))]


# Statements that run for most messages of the bus are built once.
@cache
def _mutes() -> Select[int, MuteScope, str]:
    user_ids: BindParameter[int] = bindparam("user_ids", expanding=True)
    return select(NoticeMute.user_id, NoticeMute.scope, NoticeMute.value).where(NoticeMute.user_id.in_(user_ids))


@cache
def _locked() -> Select[Notice]:
    user_ids: BindParameter[int] = bindparam("user_ids", expanding=True)
    subjects: BindParameter[str] = bindparam("subjects", expanding=True)
    query = select(Notice).where(Notice.user_id.in_(user_ids), Notice.subject.in_(subjects))
    return query.with_for_update().execution_options(populate_existing=True)


def settle(
    session: Session, hub: Hub, kind: NoticeKind, about: str = "", user: User | None = None, by: str = ""
) -> None:
    """Resolve the notifications of a request or invitation that is settled, for one person or for everybody."""
    which = and_(Notice.hub_id == hub.id, Notice.kind == kind)
    if about:
        which = and_(which, Notice.about == about)
    if user is not None:
        which = and_(which, Notice.user_id == user.id)
    resolve(session, which, by)


def resolve(session: Session, which: ColumnElement[bool], by: str, moment: datetime | None = None) -> set[int]:
    """Mark open notifications as done because ``by`` finished their subject; return the ids of the people."""
    query = update(Notice).where(Notice.done_on.is_(None), which)
    values = {
        "done_on": moment or now(),
        "resolved_by": by,
        "snoozed_until": None,
        # What another owner took was news only for the time being.
        "needs_you": or_(Notice.needs_you, Notice.taken_until.is_not(None)),
        "taken_until": None,
    }
    rows = session.scalars(query.values(values).returning(Notice.user_id)).all()
    people = set(rows)
    changed(session, people)
    return people


def _existing(session: Session, deliveries: Sequence[Delivery]) -> Iterable[Notice]:
    if not deliveries:
        return ()
    user_ids = {delivery.user_id for delivery in deliveries}
    subjects = {delivery.subject for delivery in deliveries}
    return session.scalars(_locked(), {"user_ids": list(user_ids), "subjects": list(subjects)})


def _update(row: Notice, delivery: Delivery) -> None:
    is_seen = row.read or row.done_on is not None
    # An open item keeps its most urgent reason: a comment on an assigned issue does not make it less assigned.
    if row.done_on is not None or _REASONS.index(delivery.reason) < _REASONS.index(row.reason):
        row.reason = delivery.reason
    row.events = 1 if is_seen else row.events + 1
    row.hub_id, row.kind = delivery.hub_id, delivery.kind
    row.about, row.message_id = delivery.about, delivery.message_id
    row.moved_on = now()
    if row.done_on is not None:
        row.taken_by, row.taken_until, row.snoozed_until = "", None, None
        row.needs_you = delivery.needs_you
    row.read, row.done_on, row.resolved_by = False, None, ""


def _mutable(delivery: Delivery) -> set[tuple[int, MuteScope, str]]:
    values = {
        MuteScope.SUBJECT: delivery.subject,
        MuteScope.PERSON: delivery.about,
        MuteScope.HUB: str(delivery.hub_id),
        MuteScope.REASON: delivery.reason.value,
    }
    return {(delivery.user_id, scope, value) for scope, value in values.items() if value}


def muted_by(scope: MuteScope, value: str) -> ColumnElement[bool]:
    """Return the condition on `Notice` that a mute covers it."""
    if scope == MuteScope.SUBJECT:
        return Notice.subject == value
    if scope == MuteScope.PERSON:
        return Notice.about == value
    if scope == MuteScope.HUB:
        return Notice.hub_id == int(value) if value.isascii() and value.isdigit() else false()
    return Notice.reason == value
