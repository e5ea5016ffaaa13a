"""The number of messages per day: the last two days are counted in the database, earlier ones come from the cache.

Counting months of a busy team reads hundreds of thousands of rows, and every message about the team would repeat
that. Counts of days before yesterday hardly change, so they are cached for `SETTLED` seconds. The cache key contains
the people: when the members change, or one of them hides or shows their activity, the days are counted again at once.
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
from hubs.signed_cache import SignedCache
from hubs.widgets.caching import services_of, session_of
from hubs.widgets.shared.messages import MessageScope, ScopeFilter, latest

#: Seconds for which counts of days before yesterday are cached; messages from the history service show up that late.
SETTLED = 600
_ENDLESS = datetime.max.replace(tzinfo=UTC)

Counts = dict[tuple[date, str], int]


def daily_counts(row: Widget, since: datetime) -> Counts:
    """Return the number of messages per day (UTC) and category ``since`` a time, about the people of a widget."""
    session, whose = session_of(row), MessageScope.of(row)
    if whose.is_hidden(session):
        return {}
    yesterday = datetime.combine(now().date() - timedelta(days=1), time(), UTC)
    if since >= yesterday:
        return _count(session, whose, since, _ENDLESS)
    return _settled(row, whose, since, yesterday) | _count(session, whose, yesterday, _ENDLESS)


def _settled(row: Widget, whose: MessageScope, since: datetime, until: datetime) -> Counts:
    """Return the counts of past days, from the cache if possible."""
    session, services = session_of(row), services_of(row)
    cache = SignedCache(services.cache, services.key)
    people = [whose.username] if whose.username else sorted(session.scalars(_members(whose.terms), whose.values()))
    request = json.dumps([whose.hub.id, people, since.isoformat(), until.isoformat()])
    key = key_of("n", hashlib.sha256(request.encode()).hexdigest())
    counts = _decode(cache.get(key))
    if counts is None:
        counts = _count(session, whose, since, until)
        cache.set(key, _encode(counts), SETTLED)
    return counts


def _encode(counts: Counts) -> bytes:
    return json.dumps([[day.isoformat(), category, count] for (day, category), count in counts.items()]).encode()


def _decode(entry: bytes | None) -> Counts | None:
    """Decode a cache entry; None if it is missing or damaged."""
    try:
        rows = json.loads(entry or b"")
        if isinstance(rows, list):
            return {(date.fromisoformat(day), str(category)): int(count) for day, category, count in rows}
    except (ValueError, TypeError):
        pass
    return None


def _count(session: Session, whose: MessageScope, since: datetime, until: datetime) -> Counts:
    query = _daily_counts(whose.terms, session.get_bind().dialect.name)
    rows = session.execute(query, {**whose.values(), "since": since, "until": until, "latest": latest()})
    return {(_date(when), category): count for when, category, count in rows}


@cache
def _members(terms: ScopeFilter) -> Executable:
    return terms.members()


@cache
def _daily_counts(terms: ScopeFilter, dialect: str) -> Executable:
    sent = MessagePerson.sent_at
    day = _day(dialect, sent)
    query: Executable = (
        select(day, MessagePerson.category, func.count(MessagePerson.message_id.distinct()))
        # The index is on the time of receipt, which is never before the time of sending.
        .where(terms.condition(), MessagePerson.received_at.between(bindparam("since"), bindparam("latest")))
        .where(sent >= bindparam("since"), sent < bindparam("until"))
        .group_by(day, MessagePerson.category)
    )
    return query


def _day(dialect: str, column: Any) -> ColumnElement[Any]:
    if dialect == "postgresql":
        return cast(func.timezone("UTC", column), Date)
    return func.date(column)


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
