"""Visits, absences and first steps of a person: the state of their home page."""

from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hubs.models import FirstSteps, HomeState, now
from hubs.permissions import Person

#: An absence of this length is summarised, but not more than the longest.
AWAY, LONGEST = timedelta(hours=4), timedelta(days=30)


def state(session: Session, person: Person) -> HomeState:
    """Return the state of a person's home page; for a new person one that is not stored."""
    row = session.get(HomeState, person.id)
    return row or HomeState(user_id=person.id, visited_on=now(), first_steps=FirstSteps.OPEN)


def visit(session: Session, person: Person) -> None:
    """Note that a person is here. After an absence of `AWAY` or longer, note since when they were away.

    An absence that was not marked as seen is continued, so that nothing is left out.
    """
    row, present = session.get(HomeState, person.id), now()
    if row is None:
        _create(session, person)
        return
    if present - row.visited_on >= AWAY:
        row.away_since = max(row.away_since or row.visited_on, present - LONGEST)
        row.away_until = present
    row.visited_on = present
    session.flush()


def mark_seen(session: Session, person: Person) -> None:
    """Forget the absence: the person has seen its summary."""
    row = session.get(HomeState, person.id)
    if row is not None:
        row.away_since = row.away_until = None
        session.flush()


def show_first_steps(session: Session, person: Person, *, shown: bool) -> None:
    """Dismiss the card of first steps, or bring it back."""
    row = session.get(HomeState, person.id) or _create(session, person)
    if row is not None:
        row.first_steps = FirstSteps.OPEN if shown else FirstSteps.DISMISSED
        session.flush()


def _create(session: Session, person: Person) -> HomeState | None:
    """Store the state of a new person; None if another request has just done that."""
    row = HomeState(user_id=person.id, visited_on=now(), first_steps=FirstSteps.OPEN)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.get(HomeState, person.id, populate_existing=True)
    return row
