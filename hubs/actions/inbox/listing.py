"""Lists and counts of notifications. Both use the same conditions, so a count always equals its list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, joinedload

from hubs.actions.inbox.stored_account import STORED_ACCOUNT
from hubs.models import Hub, Moment, Notice, NoticeKind, NoticeReason, RoleName, now
from hubs.permissions import ANY_ACCOUNT, Person, hides_from, names_any, parameters, visible

#: Notifications on one page of a list.
SHOWN = 50
#: Counts end here: counting all of 100,000 notifications would take longer than reading a page of them.
MOST = 1000


class Box(StrEnum):
    """The lists of the inbox."""

    NEEDS_YOU = "needs-you"
    NEWS = "news"
    SNOOZED = "snoozed"
    DONE = "done"
    SAVED = "saved"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which notifications of a list are shown; empty filters select all."""

    hub_id: int = 0
    reason: NoticeReason | None = None
    person: str = ""
    kind: NoticeKind | None = None

    def condition(self) -> ColumnElement[bool]:
        """Return the condition on `Notice`."""
        parts: list[ColumnElement[bool]] = []
        if self.hub_id:
            parts.append(Notice.hub_id == self.hub_id)
        if self.reason:
            parts.append(Notice.reason == self.reason)
        if self.kind:
            parts.append(Notice.kind == self.kind)
        if self.person:
            parts.append(Notice.about == self.person)
        return and_(true(), *parts)


@dataclass(frozen=True, slots=True)
class Page:
    """Notifications, and the cursor of the next page; empty on the last one."""

    notices: list[Notice]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of a person's inbox, each at most `MOST`."""

    #: Items of “Needs you” that are neither done nor snoozed, read or not: the number on the bell.
    needs_you: int = 0
    #: Unread news.
    news: int = 0
    snoozed: int = 0
    #: Ids of hubs with unread notifications.
    unread_hubs: frozenset[int] = field(default_factory=frozenset)


def concerns(person: Person) -> ColumnElement[bool]:
    """Return the condition on `Notice`, joined with its `Hub`, that selects what a person may see now.

    Invitations may name a hub that the person cannot see yet; requests to join are for current owners only.
    """
    owned_hubs = person.hubs_as(RoleName.OWNER)
    is_request = Notice.kind == NoticeKind.JOIN_REQUEST
    is_invitation = Notice.kind == NoticeKind.INVITATION
    hidden = names_any(Notice.message_id, hides_from(person))
    may_see = and_(visible(person), or_(~is_request, Notice.hub_id.in_(owned_hubs)), ~hidden)
    valid_invitation = and_(is_invitation, Hub.deleted_on.is_(None))
    return and_(Notice.user_id == person.id, Hub.archived.is_(False), or_(valid_invitation, may_see))


#: The current time, in statements that are built once for all accounts.
_PRESENT = bindparam("present", type_=Moment)


def values(person: Person) -> dict[str, Any]:
    """Return the parameters of `unread_hubs` for a person now."""
    return {"present": now(), **parameters(person)}


def is_open(moment: Any) -> ColumnElement[bool]:
    """Return the condition that a notification is neither done nor snoozed at a time."""
    return and_(Notice.done_on.is_(None), or_(Notice.snoozed_until.is_(None), Notice.snoozed_until <= moment))


def in_box(box: Box, moment: Any) -> ColumnElement[bool]:
    """Return the condition that a notification is in one of the lists at a time."""
    if box == Box.DONE:
        return Notice.done_on.is_not(None)
    if box == Box.SAVED:
        return Notice.saved == true()  # PostgreSQL uses no partial index for IS TRUE
    if box == Box.SNOOZED:
        return and_(Notice.done_on.is_(None), Notice.snoozed_until > moment)
    return and_(Notice.needs_you.is_(box == Box.NEEDS_YOU), is_open(moment))


def page(
    session: Session, person: Person, box: Box, filters: Filters | None = None, before: str = "", limit: int = SHOWN
) -> Page:
    """Return a page of a list, newest first; ``before`` is the cursor of an earlier page."""
    order = Notice.done_on if box == Box.DONE else Notice.moved_on
    query = select(Notice).join(Notice.hub).where(concerns(person), in_box(box, now()))
    if filters is not None:
        query = query.where(filters.condition())
    if (cursor := _cursor(before)) is not None:
        moment, number = cursor
        query = query.where(or_(order < moment, and_(order == moment, Notice.id < number)))
    query = query.options(joinedload(Notice.hub), joinedload(Notice.message))
    rows = list(session.scalars(query.order_by(order.desc(), Notice.id.desc()).limit(limit + 1)))
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    moment = (last.done_on or last.moved_on) if box == Box.DONE else last.moved_on
    return Page(rows[:limit], f"{moment.isoformat()}_{last.id}")


def newest_needs(session: Session, person: Person, limit: int = SHOWN) -> list[Notice]:
    """Return what a person is expected to act on, newest first: the items that `count` counts."""
    return page(session, person, Box.NEEDS_YOU).notices[:limit]


def count(session: Session, person: Person, box: Box = Box.NEEDS_YOU, filters: Filters | None = None) -> int:
    """Return the number of notifications in a list, at most `MOST`; of news only the unread ones count."""
    query = _counting(box) if filters is None else _number_of(_counted(box).where(filters.condition()))
    return session.scalar(query, values(person)) or 0


@cache
def _counting(box: Box) -> Select[int]:
    return _number_of(_counted(box))


def _counted(box: Box, account: Person = ANY_ACCOUNT) -> Select[int]:
    query = select(Notice.id).join(Notice.hub).where(concerns(account), in_box(box, _PRESENT))
    return query.where(Notice.read.is_(False)) if box == Box.NEWS else query


def _number_of(query: Select[int]) -> Select[int]:
    return select(func.count()).select_from(query.limit(MOST).subquery())


def counts(session: Session, person: Person) -> Counts:
    """Return the figures of a person's inbox."""
    return _grouped(session.execute(_figures(), values(person)))


def counts_of(connection: Connection, user_id: int) -> Counts:
    """Return the figures of an account's inbox in one statement, which reads the account's roles as well."""
    return _grouped(connection.execute(_figures_of_account(), {"present": now(), "person_id": user_id}))


def _grouped(rows: Iterable[Any]) -> Counts:
    numbers: dict[str, list[int]] = {}
    for name, number in rows:
        numbers.setdefault(name, []).append(number)
    needs_you, news, snoozed = (numbers[box][0] for box in _COUNTED)
    return Counts(needs_you, news, snoozed, frozenset(numbers.get("", ())))


#: The lists whose figures every page shows.
_COUNTED = (Box.NEEDS_YOU, Box.NEWS, Box.SNOOZED)


@cache
def _figures() -> CompoundSelect[str, int]:
    return _all_figures(ANY_ACCOUNT)


@cache
def _figures_of_account() -> CompoundSelect[str, int]:
    return _all_figures(STORED_ACCOUNT)


def _all_figures(account: Person) -> CompoundSelect[str, int]:
    """Return the query for all of `Counts`: one statement, since it runs after most messages of the bus."""
    hubs = _unread_hubs(account).subquery()
    counted = [
        select(literal(box.value), func.count()).select_from(_counted(box, account).limit(MOST).subquery())
        for box in _COUNTED
    ]
    return union_all(*counted, select(literal(""), hubs.c.hub_id))


@cache
def unread_hubs() -> Select[int]:
    """Return the query for the ids of hubs with unread notifications that are neither done nor snoozed.

    It runs with the parameters `values`.

    Of more than `MOST` such notifications the rest is not looked at, since every page asks for these hubs.
    """
    return _unread_hubs(ANY_ACCOUNT)


def _unread_hubs(account: Person) -> Select[int]:
    unread = and_(concerns(account), is_open(_PRESENT), Notice.read.is_(False))
    some = select(Notice.hub_id).join(Notice.hub).where(unread).limit(MOST).subquery()
    return select(some.c.hub_id).distinct()


def by_hub(session: Session, person: Person) -> list[tuple[Hub, int]]:
    """Return the hubs of a person's open notifications with the number of these, the largest number first."""
    newest = select(Notice.hub_id).join(Notice.hub).where(concerns(person), is_open(now())).limit(MOST).subquery()
    number = func.count()
    query = select(Hub, number).join(newest, newest.c.hub_id == Hub.id).group_by(Hub.id).order_by(number.desc(), Hub.id)
    return [(hub, figure) for hub, figure in session.execute(query.limit(SHOWN))]


def find(session: Session, person: Person, ids: Sequence[int]) -> list[Notice]:
    """Return those of the notifications with these ids that a person may see."""
    query = select(Notice).join(Notice.hub).where(concerns(person), Notice.id.in_(ids))
    return list(session.scalars(query.options(joinedload(Notice.hub), joinedload(Notice.message))))


def _cursor(text: str) -> tuple[datetime, int] | None:
    moment, _, number = text.partition("_")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, int(number)) if at.tzinfo is not None else None
