"""A person's own activity by day, and the people who were active just now."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hubs.digest.numbers import in_utc
from hubs.models import MessagePerson, User, now
from hubs.permissions import Person, hides_from, listed

#: Weeks in a person's own calendar, the minutes that count as now, and the people shown.
WEEKS, MINUTES, SHOWN = 16, 15, 11


def own_days(session: Session, person: Person) -> dict[date, int]:
    """Return a person's activities of each day since the Monday `WEEKS` weeks ago, oldest first."""
    today = now().date()
    first = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    day = in_utc(session, MessagePerson.received_at, "day")
    query = select(day, func.count()).where(MessagePerson.username == person.username)
    query = query.where(MessagePerson.received_at >= datetime.combine(first, time(), UTC))
    counts = {first + timedelta(days=number): 0 for number in range((today - first).days + 1)}
    for when, count in session.execute(query.group_by(day)):
        key = date.fromisoformat(when) if isinstance(when, str) else when
        if key in counts:
            counts[key] += count
    return counts


def here_now(session: Session, person: Person) -> tuple[Sequence[User], int]:
    """Return the people who were active within the last `MINUTES` and show it to a person, and how many they are."""
    active = (User.last_active >= now() - timedelta(minutes=MINUTES), ~hides_from(person), listed(person))
    query = select(User, func.count().over()).where(*active).order_by(User.last_active.desc(), User.id).limit(SHOWN)
    rows = session.execute(query).all()
    return [user for user, _count in rows], rows[0][1] if rows else 0
