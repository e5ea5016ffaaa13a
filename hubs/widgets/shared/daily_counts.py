"""How many messages there were on each day: of the last two days by the database, of those before from the cache.

Counting the months of a busy team reads hundreds of thousands of rows, and every message about the team would have it
done again. What was sent before yesterday hardly changes, so its counts are kept for `SETTLED` seconds, by whose they
are: with other members, or somebody who hides or shows what they do, they are counted again at once.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Executable, bindparam, cast, func, select
from sqlalchemy.orm import Session

from hubs.cache import key_of
from hubs.models import MessagePerson, Widget, now
from hubs.widgets.caching import services_of, session_of
from hubs.widgets.shared.messages import MessageScope, ScopeFilter

#: Seconds for which the counts of days before yesterday are kept: so late is what arrives late, from history.
SETTLED = 600
_ENDLESS = datetime.max.replace(tzinfo=UTC)

Counts = dict[tuple[date, str], int]


def daily_counts(row: Widget, since: datetime) -> Counts:
    """Return the number of messages by day (UTC) and category since a moment, of those whom a widget is about."""
    session, whose = session_of(row), MessageScope.of(row)
    if whose.is_hidden(session):
        return {}
    yesterday = datetime.combine(now().date() - timedelta(days=1), time(), UTC)
    if since >= yesterday:
        return _count(session, whose, since, _ENDLESS)
    return _settled(row, whose, since, yesterday) | _count(session, whose, yesterday, _ENDLESS)


def _settled(row: Widget, whose: MessageScope, since: datetime, until: datetime) -> Counts:
    """Return the counts of days that are over, from the cache where they are there."""
    session, store = session_of(row), services_of(row).cache
    people = [whose.username] if whose.username else sorted(session.scalars(_members(whose.terms), whose.values()))
    asked = json.dumps([people, since.isoformat(), until.isoformat()])
    key = key_of("n", hashlib.sha256(asked.encode()).hexdigest())
    found = _decode(store.get(key))
    if found is None:
        found = _count(session, whose, since, until)
        store.set(key, _encode(found), SETTLED)
    return found


def _encode(counts: Counts) -> bytes:
    return json.dumps([[day.isoformat(), category, count] for (day, category), count in counts.items()]).encode()


def _decode(entry: bytes | None) -> Counts | None:
    """Read an entry of the cache; None where there is none, or a damaged one."""
    try:
        rows = json.loads(entry or b"")
        if isinstance(rows, list):
            return {(date.fromisoformat(day), str(category)): int(count) for day, category, count in rows}
    except (ValueError, TypeError):
        pass
    return None


def _count(session: Session, whose: MessageScope, since: datetime, until: datetime) -> Counts:
    query = _daily_counts(whose.terms, session.get_bind().dialect.name)
    found = session.execute(query, {**whose.values(), "since": since, "until": until})
    return {(_date(when), category): count for when, category, count in found}


@cache
def _members(terms: ScopeFilter) -> Executable:
    return terms.members()


@cache
def _daily_counts(terms: ScopeFilter, dialect: str) -> Executable:
    sent = MessagePerson.sent_at
    day = _day(dialect, sent)
    counted: Executable = (
        select(day, MessagePerson.category, func.count(MessagePerson.message_id.distinct()))
        # The index is by when it was received, which is never before it was sent.
        .where(terms.condition(), MessagePerson.received_at >= bindparam("since"))
        .where(sent >= bindparam("since"), sent < bindparam("until"))
        .group_by(day, MessagePerson.category)
    )
    return counted


def _day(dialect: str, column: Any) -> ColumnElement[Any]:
    if dialect == "postgresql":
        return cast(func.timezone("UTC", column), Date)
    return func.date(column)


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
