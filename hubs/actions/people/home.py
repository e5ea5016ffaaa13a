"""Visits, absences and first steps of a person: the state of their home page."""

import logging
import threading
import time
from collections import OrderedDict
from datetime import timedelta
from functools import cache
from math import inf

from sqlalchemy import Integer, bindparam, case, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from hubs.models import Database, FirstSteps, HomeState, Moment, now
from hubs.permissions import Person

log = logging.getLogger(__name__)

#: An absence of this length is summarised, but not more than the longest.
AWAY, LONGEST = timedelta(hours=4), timedelta(days=30)
#: Seconds between two notes of a person's visits in one process, and least age of a note that another one replaces.
INTERVAL, PRECISION = 300.0, timedelta(minutes=1)
#: People whose last note a process remembers.
MAX_PEOPLE = 10_000


def state(session: Session, person: Person) -> HomeState:
    """Return the state of a person's home page; for a new person one that is not stored."""
    row = session.get(HomeState, person.id)
    return row or HomeState(user_id=person.id, visited_on=now(), first_steps=FirstSteps.OPEN)


class Visits:
    """Notes visits with one statement, at most every few minutes for each person."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._noted: OrderedDict[int, float] = OrderedDict()

    def is_due(self, user_id: int) -> bool:
        """Return whether a visit of a person must be noted."""
        return time.monotonic() - self._noted.get(user_id, -inf) >= INTERVAL

    def note(self, user_id: int) -> None:
        """Note that a person is here, if that is due. After an absence of `AWAY`, note since when they were away.

        An absence that was not marked as seen is continued, so that nothing is left out. Without the database nothing
        is noted: that is no reason to show no page.
        """
        with self._lock:
            if not self.is_due(user_id):
                return
            self._noted[user_id] = time.monotonic()
            self._noted.move_to_end(user_id)
            if len(self._noted) > MAX_PEOPLE:
                self._noted.popitem(last=False)
        engine, present = self._database.autocommit, now()
        ages = {"away": present - AWAY, "longest": present - LONGEST, "replaced": present - PRECISION}
        try:
            with engine.begin() as connection:
                connection.execute(_visit(engine.dialect.name), {"user_id": user_id, "present": present, **ages})
        except SQLAlchemyError as error:
            log.warning("a visit was not noted: %s", error)
            with self._lock:
                self._noted.pop(user_id, None)


@cache
def _visit(database: str) -> postgresql.Insert | sqlite.Insert:
    """Return the statement for a visit: it reads and writes at once, since two processes may note the same one."""
    present, away, longest, replaced = (
        bindparam(name, type_=Moment) for name in ("present", "away", "longest", "replaced")
    )
    values = {"user_id": bindparam("user_id", type_=Integer), "visited_on": present, "first_steps": FirstSteps.OPEN}
    begun = func.coalesce(HomeState.away_since, HomeState.visited_on)
    since = case((begun > longest, begun), else_=longest)
    returned = HomeState.visited_on <= away
    changes = {
        "away_since": case((returned, since), else_=HomeState.away_since),
        "away_until": case((returned, present), else_=HomeState.away_until),
        "visited_on": present,
    }
    condition = HomeState.visited_on <= replaced
    if database == "sqlite":
        new = sqlite.insert(HomeState).values(values)
        return new.on_conflict_do_update(index_elements=["user_id"], set_=changes, where=condition)
    added = postgresql.insert(HomeState).values(values)
    return added.on_conflict_do_update(index_elements=["user_id"], set_=changes, where=condition)


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
