"""Counts of activities: of today by the hour, and of teams by the day. Only public activity is counted.

The counts are cached, since busy teams have thousands of messages a day. The keys contain the people who show their
activity: when somebody joins, leaves or hides theirs, it is counted again at once.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, extract, func, select
from sqlalchemy.orm import Session

from hubs.cache import key_of
from hubs.models import Hub, MessagePerson, Role, StoredMessage, User, Visibility, is_message, now
from hubs.permissions import INSIDE, VISITOR, visible
from hubs.signed_cache import SignedCache

#: Seconds for which the numbers of today and the series of teams are cached.
TODAY_KEPT, SERIES_KEPT = 60, 600
#: Days in the series of a team, today included.
DAYS = 14


@dataclass(frozen=True)
class Today:
    """Today so far (UTC): activities by hour, and how many people and teams were active."""

    hours: tuple[int, ...]
    people: int
    teams: int

    @property
    def total(self) -> int:
        """All activities."""
        return sum(self.hours)


def today(session: Session, cache: SignedCache) -> Today:
    """Return the numbers of today."""
    midnight = datetime.combine(now().date(), time(), UTC)
    key = key_of("digest", "today", midnight.isoformat(), _fingerprint(session))
    entry = _decoded(cache.get(key))
    if not isinstance(entry, dict):
        entry = asdict(_count_today(session, midnight))
        cache.set(key, json.dumps(entry).encode(), TODAY_KEPT)
    return Today(tuple(entry["hours"]), entry["people"], entry["teams"])


def series(session: Session, cache: SignedCache, hubs: Sequence[Hub]) -> dict[int, list[int]]:
    """Return the activities of each hub's people on the last `DAYS` days, oldest first, by hub id."""
    first, marks = now().date() - timedelta(days=DAYS - 1), _fingerprints(session, hubs)
    keys = {hub.id: key_of("digest", "days", hub.id, first.isoformat(), marks.get(hub.id, "")) for hub in hubs}
    entries = cache.get_many(keys.values())
    counts = {hub_id: _decoded(entries.get(key)) for hub_id, key in keys.items()}
    missing = [hub_id for hub_id, values in counts.items() if not isinstance(values, list)]
    for hub_id, values in _count_days(session, missing, first).items() if missing else ():
        counts[hub_id] = values
        cache.set(keys[hub_id], json.dumps(values).encode(), SERIES_KEPT)
    return counts


def _count_today(session: Session, midnight: datetime) -> Today:
    hour = in_utc(session, StoredMessage.received_at, "hour")
    shown = (
        select(hour, func.count(StoredMessage.id.distinct()))
        .join(MessagePerson, is_message(MessagePerson.message_id, MessagePerson.received_at))
        .join(User, User.username == MessagePerson.username)
        .where(StoredMessage.received_at >= midnight, StoredMessage.hub_id.is_(None), _shows())
    )
    hours = [0] * (now().hour + 1)
    for number, count in session.execute(shown.group_by(hour)):
        hours[min(int(number), len(hours) - 1)] += count
    people = session.scalar(select(func.count()).where(User.last_active >= midnight, _shows())) or 0
    teams = select(func.count()).where(Hub.kind != "user", Hub.last_activity >= midnight, visible(VISITOR))
    return Today(tuple(hours), people, session.scalar(teams) or 0)


def _count_days(session: Session, hubs: Sequence[int], first: date) -> dict[int, list[int]]:
    day = in_utc(session, MessagePerson.received_at, "day")
    query = (
        select(Role.hub_id, day, func.count(MessagePerson.message_id.distinct()))
        .join(User, User.id == Role.user_id)
        .join(MessagePerson, MessagePerson.username == User.username)
        .where(Role.hub_id.in_(hubs), Role.role.in_(INSIDE), _shows(), MessagePerson.hub_id.is_(None))
        .where(MessagePerson.received_at >= datetime.combine(first, time(), UTC))
        .group_by(Role.hub_id, day)
    )
    counts = {hub_id: [0] * DAYS for hub_id in hubs}
    for hub_id, when, count in session.execute(query):
        place = ((date.fromisoformat(when) if isinstance(when, str) else when) - first).days
        if 0 <= place < DAYS:
            counts[hub_id][place] += count
    return counts


def in_utc(session: Session, column: Any, part: str) -> ColumnElement[Any]:
    """Return the day or the hour of a time in UTC."""
    if session.get_bind().dialect.name == "postgresql":
        column = func.timezone("UTC", column)
        return cast(column, Date) if part == "day" else extract("hour", column)
    return func.date(column) if part == "day" else extract("hour", column)


def _fingerprint(session: Session) -> str:
    shown = select(func.count(User.id), func.sum(User.id)).where(_shows())
    return "-".join(map(str, session.execute(shown).one()))


def _fingerprints(session: Session, hubs: Sequence[Hub]) -> dict[int, str]:
    query = (
        select(Role.hub_id, func.count(), func.sum(Role.user_id), func.sum(Role.user_id * Role.user_id))
        .join(User, User.id == Role.user_id)
        .where(Role.hub_id.in_([hub.id for hub in hubs]), Role.role.in_(INSIDE), _shows())
        .group_by(Role.hub_id)
    )
    return {hub_id: "-".join(map(str, numbers)) for hub_id, *numbers in session.execute(query)}


def _shows() -> ColumnElement[bool]:
    return User.activity == Visibility.PUBLIC


def _decoded(entry: bytes | None) -> Any:
    try:
        return json.loads(entry or b"null")
    except ValueError:
        return None
