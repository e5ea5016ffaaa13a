"""A person's stream: messages about the hubs and people that they follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub, MessagePerson, Role, StoredMessage, StreamMark, User, is_message, now
from hubs.permissions import FOLLOWS, INSIDE, Person, hides_from, names_any, visible
from hubs.widgets.feed.cards import SHOWN, Item, items_of, time_windows
from hubs.widgets.shared.messages import EVER, latest

#: The filters of a stream.
FILTERS = ("all", "mine", "mentions", "saved")
#: Messages on one page, most new ones that are counted, most messages that a person can mark.
PER_PAGE, COUNTED, MOST = 30, 99, 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Selects among the messages of a stream; what is empty selects all of them."""

    categories: tuple[str, ...] = ()
    #: An account that the messages name.
    username: str = ""
    #: The id of a followed hub whose people the messages name.
    hub_id: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """The times of receipt between which messages are searched."""

    since: datetime
    until: datetime

    def has(self, received_at: InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
        """Return the condition that a time lies in between, ends included."""
        return received_at.between(self.since, self.until)


#: A message, by what tells PostgreSQL in which month it is.
_KEY = tuple_(StoredMessage.id, StoredMessage.received_at)
#: Selects all messages of a stream.
NOTHING = Narrowing()


@dataclass(frozen=True)
class Page:
    """Messages, newest first, the ids of the saved ones, and the cursor of the next page; empty at the end."""

    items: Sequence[Item]
    saved: frozenset[int]
    before: str = ""


def read(
    session: Session, person: Person, narrow: str = "all", before: str = "", narrowed: Narrowing = NOTHING
) -> Page:
    """Return a page of the stream: the newest messages, or those older than the cursor ``before``.

    :raises InvalidInput: when the filter or the cursor is not valid.
    """
    place = position(before) if before else None
    # Further back only if the recent past does not fill the page: sorting all messages of years would take seconds.
    until = place[0] if place else latest()
    for since in time_windows(place[0] if place else now()):
        query = _narrowed(_chosen(person, narrow, Span(since, until)), person, narrowed, Span(since, until))
        if place:
            query = query.where(_older(*place))
        newest = query.order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc()).limit(PER_PAGE + 1)
        rows = session.execute(newest).all()
        if len(rows) > PER_PAGE:
            break
    shown = rows[:PER_PAGE]
    marks = select(StreamMark.message_id).where(StreamMark.user_id == person.id, StreamMark.saved)
    saved = frozenset(session.scalars(marks.where(StreamMark.message_id.in_([row.id for row in shown]))))
    last = cursor(shown[-1].received_at, shown[-1].id) if len(rows) > PER_PAGE else ""
    return Page(items_of(session, shown), saved, last)


def count_newer(session: Session, person: Person, narrow: str, after: str, narrowed: Narrowing = NOTHING) -> int:
    """Return how many messages are newer than a cursor, at most `COUNTED`; an empty cursor counts all."""
    received_at, number = position(after) if after else (EVER, 0)
    span = Span(received_at, latest())
    query = _narrowed(_chosen(person, narrow, span), person, narrowed, span)
    query = query.where(~_older(received_at, number), StoredMessage.id != number)
    newer = query.with_only_columns(StoredMessage.id).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(newer)) or 0


def followed(session: Session, person: Person) -> list[Hub]:
    """Return the hubs that a person follows and may see, the most recently active first."""
    query = select(Hub).where(_followed(person)).order_by(Hub.last_activity.desc().nulls_last(), Hub.id)
    return list(session.scalars(query))


def mark(session: Session, person: Person, message_id: int, act: str) -> None:
    """Save or hide a message for the person (``save``, ``hide``), or undo that (``unsave``, ``unhide``).

    :raises NotFound: when the message is not in the person's stream.
    """
    if act not in ("save", "unsave", "hide", "unhide"):
        raise InvalidInput(_("A message can be saved or hidden."))
    row = session.get(StreamMark, (person.id, message_id))
    if row is None:
        moment = session.scalar(select(StoredMessage.received_at).where(StoredMessage.id == message_id)) or EVER
        visible_message = _readable(person, Span(moment, moment)).where(StoredMessage.id == message_id)
        if session.scalar(visible_message) is None:
            raise NotFound(_("There is no such message in your stream."))
        if (session.scalar(select(func.count()).where(StreamMark.user_id == person.id)) or 0) >= MOST:
            raise Conflict(_("You have saved or hidden %(most)s messages. Undo some of that first.") % {"most": MOST})
        row = StreamMark(user_id=person.id, message_id=message_id, saved=False, hidden=False)
        session.add(row)
    if act.endswith("save"):
        row.saved = act == "save"
    else:
        row.hidden = act == "hide"
    if not (row.saved or row.hidden) and row in session:
        session.flush()
        session.delete(row)
    session.flush()


def cursor(received_at: datetime, number: int) -> str:
    """Return the cursor of a message: microseconds since 1970, and its id."""
    return f"{(received_at - _EPOCH) // timedelta(microseconds=1)}-{number}"


def newest(items: Sequence[Item]) -> str:
    """Return the cursor of the newest of messages in their order; empty if there are none."""
    return cursor(items[0].received_at, items[0].id) if items else ""


def position(text: str) -> tuple[datetime, int]:
    """Return the time of receipt and the id that a cursor names.

    :raises InvalidInput: when it is not a cursor.
    """
    moment, _dash, number = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 16 for part in (moment, number)):
        raise InvalidInput(_("There is no such place in your stream."))
    return _EPOCH + timedelta(microseconds=int(moment)), int(number)


def _older(received_at: datetime, number: int) -> ColumnElement[bool]:
    same = and_(StoredMessage.received_at == received_at, StoredMessage.id < number)
    return or_(StoredMessage.received_at < received_at, same)


def _followed(person: Person) -> ColumnElement[bool]:
    mine = select(Role.hub_id).where(Role.user_id == person.id, Role.role.in_(FOLLOWS))
    return and_(Hub.id.in_(mine), Hub.archived.is_(False), visible(person))


def _narrowed(query: Select[Any], person: Person, narrowed: Narrowing, span: Span) -> Select[Any]:
    """Return the query for the messages that also match ``narrowed``."""
    if narrowed.categories:
        query = query.where(StoredMessage.category.in_(narrowed.categories))
    if narrowed.username:
        query = query.where(_named(MessagePerson.username == narrowed.username, span))
    if narrowed.hub_id:
        people = select(User.username).join(Role, Role.user_id == User.id)
        people = people.join(Hub, Hub.id == Role.hub_id).where(Hub.id == narrowed.hub_id, _followed(person))
        people = people.where(Role.role.in_(INSIDE), ~hides_from(person))
        query = query.where(_named(MessagePerson.username.in_(people), span))
    return query


def _named(whom: ColumnElement[bool], span: Span) -> ColumnElement[bool]:
    """Return the condition that a message names somebody."""
    return _KEY.in_(_naming(whom, span))


def _naming(whom: ColumnElement[bool], span: Span) -> Select[int, datetime]:
    return select(MessagePerson.message_id, MessagePerson.received_at).where(whom, span.has(MessagePerson.received_at))


def _readable(person: Person, span: Span) -> Select[Any]:
    """Return the query for messages about what a person follows, and those that name them, without hidden activity.

    Without ``span``, the messages about everybody whom a person follows can be most of the table.
    """
    hubs = select(Hub.id).where(_followed(person))
    people = select(User.username).join(Role, Role.user_id == User.id)
    people = people.where(Role.hub_id.in_(hubs), Role.role.in_(INSIDE), ~hides_from(person))
    # Unions, since PostgreSQL scans all messages for a condition with OR between subqueries.
    names = MessagePerson.username.in_(union(people, select(literal(person.username))))
    saved = select(StoredMessage.id, StoredMessage.received_at).where(
        StoredMessage.id.in_(_marked(person, StreamMark.saved)), span.has(StoredMessage.received_at)
    )
    return _shown(person, span).where(_KEY.in_(union(_naming(names, span), saved)))


def _shown(person: Person, span: Span) -> Select[Any]:
    # What a webhook reports is shown on its hub only.
    visible_to_all = StoredMessage.hub_id.is_(None), ~names_any(StoredMessage.id, hides_from(person))
    return select(*SHOWN).where(span.has(StoredMessage.received_at), *visible_to_all)


def _marked(person: Person, how: InstrumentedAttribute[bool]) -> Select[Any]:
    return select(StreamMark.message_id).where(StreamMark.user_id == person.id, how)


def _chosen(person: Person, narrow: str, span: Span) -> Select[Any]:
    """Return the query for a filter."""
    if narrow not in FILTERS:
        raise InvalidInput(_("A stream can show all, mine, mentions or saved."))
    if narrow == "saved":
        return _shown(person, span).where(StoredMessage.id.in_(_marked(person, StreamMark.saved)))
    if narrow == "all":
        query = _readable(person, span)
    else:
        query = _shown(person, span).where(_named(MessagePerson.username == person.username, span))
    query = query.where(StoredMessage.id.not_in(_marked(person, StreamMark.hidden)))
    if narrow == "mentions":  # messages about the person's own actions name only them
        other = aliased(MessagePerson)
        others = select(other.message_id).where(
            is_message(other.message_id, other.received_at), other.username != person.username
        )
        query = query.where(others.correlate(StoredMessage).exists())
    return query
