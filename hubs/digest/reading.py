"""Reads the activities of hubs within a span of time, as a person may see them, in a fixed number of queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, union
from sqlalchemy.orm import Session

from hubs.digest.summary import Happening, Summary, summarise
from hubs.models import Hub, MessagePerson, Role, StoredMessage, User, hub_mark
from hubs.permissions import INSIDE, Person, hides_from, names_any
from hubs.widgets.feed.cards import SHOWN, items_of

#: Most activities that a summary reads, the newest ones.
MOST = 2000
#: Most hubs that a summary covers.
MOST_HUBS = 40


def read(session: Session, person: Person, hubs: Sequence[Hub], since: datetime, until: datetime) -> Summary:
    """Return what happened on ``hubs``, which the person may see, in a span of time; three queries at most."""
    chosen = list(hubs)[:MOST_HUBS]
    if not chosen or since >= until:
        return Summary(since, until, ())
    pairs = union(_by_people(person, chosen, since, until), *_by_webhooks(chosen, since, until)).subquery()
    query = select(pairs.c.hub_id, *SHOWN).join(StoredMessage, StoredMessage.id == pairs.c.message_id)
    query = query.where(~names_any(StoredMessage.id, hides_from(person)))
    newest = query.order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc()).limit(MOST + 1)
    rows = session.execute(newest).all()
    complete, rows = len(rows) <= MOST, rows[:MOST]
    items = {item.id: item for item in items_of(session, list({row.id: row for row in rows}.values()))}
    happenings = [
        Happening(row.hub_id, row.id, row.received_at, items[row.id].activity, items[row.id].names, row.link)
        for row in rows
    ]
    return summarise(happenings, since, until, complete=complete)


def _by_people(person: Person, hubs: Sequence[Hub], since: datetime, until: datetime) -> Any:
    """Return the query for messages that name owners and members who show their activity to the person."""
    query = select(Role.hub_id.label("hub_id"), MessagePerson.message_id.label("message_id"))
    query = query.join(User, User.id == Role.user_id).join(MessagePerson, MessagePerson.username == User.username)
    here = Role.hub_id.in_([hub.id for hub in hubs]) & Role.role.in_(INSIDE)
    # What a webhook reports belongs to its hub alone, also if it names a person.
    return query.where(here, ~hides_from(person), MessagePerson.hub_id.is_(None), *_within(since, until))


def _by_webhooks(hubs: Sequence[Hub], since: datetime, until: datetime) -> list[Any]:
    marks = [hub_mark(hub.id) for hub in hubs]
    query = select(MessagePerson.hub_id, MessagePerson.message_id)
    return [query.where(MessagePerson.username.in_(marks), MessagePerson.hub_id.is_not(None), *_within(since, until))]


def _within(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return MessagePerson.received_at >= since, MessagePerson.received_at < until
