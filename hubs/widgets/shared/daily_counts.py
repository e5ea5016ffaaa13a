"""The number of messages per day, counted in pieces, of which all but the newest come from the cache.

Counting months of a busy team reads millions of rows, and every message about the team would repeat that. So messages
are counted by week, then by this week's days, today's hours, and what came since. Pieces go by the time of receipt,
before which nothing arrives any more: a message that arrives late is in the newest one, whatever day it was sent.
The key of a cache entry contains the people: when the members change, or one of them hides or shows their activity, all
pieces are counted again at once. So they are when messages are deleted for privacy, except a team's past weeks: they
have no messages about other hubs, and who deletes their account is no member any more.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Executable, bindparam, cast, func, select
from sqlalchemy.orm import Session

from hubs.cache import key_of
from hubs.models import MessagePerson, Watermark, Widget, now
from hubs.models.watermark import DELETIONS
from hubs.signed_cache import SignedCache
from hubs.widgets.caching import services_of, session_of
from hubs.widgets.shared.messages import MessageScope, ScopeFilter, latest

#: For how long messages may wait to be stored: what was received earlier is counted once, and cached for these seconds
#: if it is of this week or about one person, and if it is of a team's past weeks.
DELAY, SETTLED, LONG_SETTLED = timedelta(minutes=15), 600, 24 * 3600
_LAST_DELETION = select(Watermark.complete_until).where(Watermark.name == DELETIONS)
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)

Counts = dict[tuple[date, str], int]
#: The beginning and the end of a time of receipt, and for how many seconds its counts are cached.
Piece = tuple[datetime, datetime, int]


def daily_counts(row: Widget, since: datetime) -> Counts:
    """Return the number of messages per day (UTC) and category ``since`` a midnight, about the people of a widget."""
    session, whose = session_of(row), MessageScope.of(row)
    if whose.is_hidden(session):
        return {}
    pieces = list(_pieces(since, now() - DELAY, SETTLED if whose.username else LONG_SETTLED))
    recent = _count(session, whose, pieces[-1][1] if pieces else since, latest())
    counts = _sum((_settled(row, whose, pieces), recent))
    return {(day, category): count for (day, category), count in counts.items() if day >= since.date()}


def _pieces(since: datetime, until: datetime, for_weeks: int) -> Iterator[Piece]:
    """Yield the pieces of the time of settled messages; weeks are cached for some other time."""
    midnight = datetime.combine(until.date(), time(), UTC)
    monday = midnight - until.weekday() * _DAY
    start = since
    while start < monday:
        end = datetime.combine(start.date() - start.weekday() * _DAY, time(), UTC) + _WEEK
        yield start, end, for_weeks
        start = end
    for end in (midnight, until.replace(minute=0, second=0, microsecond=0)):
        if start < end:
            yield start, end, SETTLED
            start = end


def _settled(row: Widget, whose: MessageScope, pieces: Sequence[Piece]) -> Counts:
    """Return the counts of settled messages, of all pieces together, from the cache if possible."""
    if not pieces:
        return {}
    session, services = session_of(row), services_of(row)
    cache = SignedCache(services.cache, services.key)
    people = [whose.username] if whose.username else sorted(session.scalars(_members(whose.terms), whose.values()))
    scope = json.dumps([whose.hub.id, whose.hub.visibility, whose.username, people])
    deleted_at = str(session.scalar(_LAST_DELETION))
    key = _key(scope, deleted_at, pieces[0][0], pieces[-1][1])
    counts = _decode(cache.get(key))
    if counts is None:
        keys = [_key(scope, deleted_at if seconds == SETTLED else "", start, end) for start, end, seconds in pieces]
        counts = _sum(_count_pieces(session, whose, cache, dict(zip(keys, pieces, strict=True))))
        cache.set(key, _encode(counts), SETTLED)
    return counts


def _count_pieces(
    session: Session, whose: MessageScope, cache: SignedCache, pieces: Mapping[str, Piece]
) -> Iterator[Counts]:
    """Yield the counts of each piece, named by its key in the cache, which gets what it does not have.

    It gets each at once, so that a build that takes too long is continued by the next one.
    """
    entries = cache.get_many(pieces)
    for key, (start, end, seconds) in pieces.items():
        counts = _decode(entries.get(key))
        if counts is None:
            counts = _count(session, whose, start, end)
            cache.set(key, _encode(counts), seconds)
        yield counts


def _sum(pieces: Iterable[Counts]) -> Counts:
    total: Counter[tuple[date, str]] = Counter()
    for counts in pieces:
        total.update(counts)
    return total


def _key(scope: str, deleted_at: str, start: datetime, end: datetime) -> str:
    request = f"{scope} {deleted_at} {start.isoformat()} {end.isoformat()}"
    return key_of("n", hashlib.sha256(request.encode()).hexdigest())


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


def _count(session: Session, whose: MessageScope, start: datetime, end: datetime) -> Counts:
    """Count the messages that were received in a time, by the day of sending."""
    query = _daily_counts(whose.terms, session.get_bind().dialect.name)
    rows = session.execute(query, {**whose.values(), "start": start, "end": end})
    return {(_date(when), category): count for when, category, count in rows}


@cache
def _members(terms: ScopeFilter) -> Executable:
    return terms.members()


@cache
def _daily_counts(terms: ScopeFilter, dialect: str) -> Executable:
    received, day = MessagePerson.received_at, _day(dialect, MessagePerson.sent_at)
    query: Executable = (
        select(day, MessagePerson.category, func.count(MessagePerson.message_id.distinct()))
        .where(terms.condition(), received >= bindparam("start"), received < bindparam("end"))
        .group_by(day, MessagePerson.category)
    )
    return query


def _day(dialect: str, column: Any) -> ColumnElement[Any]:
    if dialect == "postgresql":
        return cast(func.timezone("UTC", column), Date)
    return func.date(column)


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
