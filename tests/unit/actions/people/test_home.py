"""Visits and absences of people, as the summary of their home page needs them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from hubs.actions.people import home
from hubs.actions.people.home import Visits
from hubs.models import Database, HomeState, Hub, now
from tests.unit.conftest import user_of


@pytest.fixture
def user_id(session: Session, team: Hub) -> int:
    """Give the id of a person whose home page has no state yet."""
    found = user_of(session, "member").id
    session.rollback()
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Give a list whose only entry is what visits take for the time; each process notes every visit."""
    times = [now()]
    monkeypatch.setattr(home, "now", lambda: times[0])
    monkeypatch.setattr(home, "INTERVAL", 0.0)
    return times


def read(session: Session, user_id: int) -> HomeState:
    session.rollback()
    return session.get_one(HomeState, user_id, populate_existing=True)


def test_a_visit_after_a_short_time_is_no_absence(
    database: Database, session: Session, user_id: int, clock: list[datetime]
) -> None:
    visits, begin = Visits(database), clock[0]
    visits.note(user_id)
    clock[0] = begin + home.AWAY - timedelta(seconds=1)
    visits.note(user_id)
    row = read(session, user_id)
    assert (row.visited_on, row.away_since, row.away_until) == (clock[0], None, None)


def test_an_absence_is_noted_and_continued_until_it_is_marked_as_seen(
    database: Database, session: Session, user_id: int, clock: list[datetime]
) -> None:
    visits, begin = Visits(database), clock[0]
    visits.note(user_id)
    for hours in (5, 6, 11):
        clock[0] = begin + timedelta(hours=hours)
        visits.note(user_id)
    row = read(session, user_id)
    assert (row.away_since, row.away_until) == (begin, begin + timedelta(hours=11))


def test_the_longest_absence_is_a_month(
    database: Database, session: Session, user_id: int, clock: list[datetime]
) -> None:
    visits = Visits(database)
    visits.note(user_id)
    clock[0] += timedelta(days=90)
    visits.note(user_id)
    assert read(session, user_id).away_since == clock[0] - home.LONGEST


def test_a_process_notes_a_person_once_in_some_minutes(
    database: Database, session: Session, user_id: int, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "INTERVAL", 300.0)
    visits, begin = Visits(database), clock[0]
    visits.note(user_id)
    clock[0] += timedelta(hours=1)
    assert not visits.is_due(user_id)
    visits.note(user_id)
    assert read(session, user_id).visited_on == begin
    Visits(database).note(user_id)
    assert read(session, user_id).visited_on == clock[0], "another process does not know of it"


def test_two_processes_write_the_same_visit_once(
    database: Database, session: Session, user_id: int, clock: list[datetime]
) -> None:
    begin = clock[0]
    Visits(database).note(user_id)
    clock[0] += home.PRECISION / 2
    Visits(database).note(user_id)
    assert read(session, user_id).visited_on == begin


def test_a_visit_that_cannot_be_noted_is_noted_with_the_next_page(
    database: Database, session: Session, user_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    visits = Visits(database)
    visits.note(10**9)
    assert "a visit was not noted" in caplog.text, "there is no such account"
    assert visits.is_due(10**9)
    assert not caplog.records[1:]


def test_a_process_remembers_a_limited_number_of_people(
    database: Database, user_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "MAX_PEOPLE", 1)
    visits = Visits(database)
    visits.note(user_id)
    visits.note(user_id + 1)
    assert visits.is_due(user_id)
    assert not visits.is_due(user_id + 1)
