"""A person's stream: what happens at the hubs and with the people that they follow, for the person alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub, MessagePerson, Role, StoredMessage, StreamMark, User
from hubs.permissions import FOLLOWS, INSIDE, Person, hides_from, visible
from hubs.widgets.feed.cards import Item, items_of

#: What a stream can be narrowed to.
FILTERS = ("all", "mine", "mentions", "saved")
#: Messages on one page, most new ones that are counted, most messages that a person saves and hides.
PER_PAGE, COUNTED, MOST = 30, 99, 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Page:
    """Messages, newest first, which of them are saved, and where the next page starts; empty at the end."""

    items: Sequence[Item]
    saved: frozenset[int]
    before: str = ""


def read(session: Session, who: Person, narrow: str = "all", before: str = "") -> Page:
    """Return a page of the stream: the newest messages, or those older than the place ``before``.

    :raises InvalidInput: when there is no such filter or place.
    """
    query = _chosen(who, narrow)
    if before:
        query = query.where(_older(*_place(before)))
    rows = session.scalars(
        query.order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(PER_PAGE + 1)
    ).all()
    shown = rows[:PER_PAGE]
    marks = select(StreamMark.message_id).where(StreamMark.user_id == who.id, StreamMark.saved)
    saved = frozenset(session.scalars(marks.where(StreamMark.message_id.in_([row.id for row in shown]))))
    last = cursor(shown[-1].sent_at, shown[-1].id) if len(rows) > PER_PAGE else ""
    return Page(items_of(session, shown), saved, last)


def count_newer(session: Session, who: Person, narrow: str, after: str) -> int:
    """Return how many messages are newer than a place, at most `COUNTED`; all there are for an empty place."""
    query = _chosen(who, narrow)
    if after:
        sent_at, number = _place(after)
        query = query.where(~_older(sent_at, number), StoredMessage.id != number)
    found = query.with_only_columns(StoredMessage.id).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def followed(session: Session, who: Person) -> list[Hub]:
    """Return the hubs that a person follows and may see, the liveliest first."""
    query = select(Hub).where(_followed(who)).order_by(Hub.last_activity.desc().nulls_last(), Hub.id)
    return list(session.scalars(query))


def mark(session: Session, who: Person, message_id: int, act: str) -> None:
    """Save a message for oneself or hide it (``save``, ``hide``), or take that back (``unsave``, ``unhide``).

    :raises NotFound: when the message is not in the person's stream.
    """
    if act not in ("save", "unsave", "hide", "unhide"):
        raise InvalidInput(_("A message can be saved and hidden."))
    row = session.get(StreamMark, (who.id, message_id))
    if row is None:
        seen = _readable(who).where(StoredMessage.id == message_id).with_only_columns(StoredMessage.id)
        if session.scalar(seen) is None:
            raise NotFound(_("There is no such message in your stream."))
        if (session.scalar(select(func.count()).where(StreamMark.user_id == who.id)) or 0) >= MOST:
            raise Conflict(
                _("You have saved and hidden %(most)s messages. Take some of that back first.") % {"most": MOST}
            )
        row = StreamMark(user_id=who.id, message_id=message_id, saved=False, hidden=False)
        session.add(row)
    if act.endswith("save"):
        row.saved = act == "save"
    else:
        row.hidden = act == "hide"
    if not (row.saved or row.hidden) and row in session:
        session.flush()
        session.delete(row)
    session.flush()


def cursor(sent_at: datetime, number: int) -> str:
    """Return the place of a message in the stream, as pages carry it: microseconds since 1970, and its number."""
    return f"{(sent_at - _EPOCH) // timedelta(microseconds=1)}-{number}"


def _place(text: str) -> tuple[datetime, int]:
    moment, _dash, number = text.partition("-")
    if not all(one.isascii() and one.isdigit() and len(one) <= 16 for one in (moment, number)):
        raise InvalidInput(_("There is no such place in your stream."))
    return _EPOCH + timedelta(microseconds=int(moment)), int(number)


def _older(sent_at: datetime, number: int) -> ColumnElement[bool]:
    same = and_(StoredMessage.sent_at == sent_at, StoredMessage.id < number)
    return or_(StoredMessage.sent_at < sent_at, same)


def _followed(who: Person) -> ColumnElement[bool]:
    mine = select(Role.hub_id).where(Role.user_id == who.id, Role.role.in_(FOLLOWS))
    return and_(Hub.id.in_(mine), Hub.archived.is_(False), visible(who))


def _readable(who: Person) -> Select[Any]:
    """Return the query for all that a person follows, and what names them; nothing that tells of who hides it."""
    hubs = select(Hub.id).where(_followed(who))
    people = select(User.username).join(Role, Role.user_id == User.id)
    people = people.where(Role.hub_id.in_(hubs), Role.role.in_(INSIDE), ~hides_from(who))
    names = or_(MessagePerson.username == who.username, MessagePerson.username.in_(people))
    kept = select(StreamMark.message_id).where(StreamMark.user_id == who.id, StreamMark.saved)
    told = or_(StoredMessage.id.in_(select(MessagePerson.message_id).where(names)), StoredMessage.id.in_(kept))
    return select(StoredMessage).where(told, ~_names(hides_from(who)))


def _names(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that selects messages that name an account of which ``condition`` holds."""
    named = aliased(MessagePerson)
    query = select(named.message_id).join(User, User.username == named.username)
    return query.where(named.message_id == StoredMessage.id, condition).correlate(StoredMessage).exists()


def _chosen(who: Person, narrow: str) -> Select[Any]:
    """Return the query for what one filter shows."""
    if narrow not in FILTERS:
        raise InvalidInput(_("A stream can show all, mine, mentions or saved."))
    query = _readable(who)
    marked = select(StreamMark.message_id).where(StreamMark.user_id == who.id)
    if narrow == "saved":
        return query.where(StoredMessage.id.in_(marked.where(StreamMark.saved)))
    query = query.where(StoredMessage.id.not_in(marked.where(StreamMark.hidden)))
    if narrow in ("mine", "mentions"):
        mine = select(MessagePerson.message_id).where(MessagePerson.username == who.username)
        query = query.where(StoredMessage.id.in_(mine))
    if narrow == "mentions":  # what one does alone names oneself too, and is no news
        other = aliased(MessagePerson)
        others = select(other.message_id).where(other.message_id == StoredMessage.id, other.username != who.username)
        query = query.where(others.correlate(StoredMessage).exists())
    return query
