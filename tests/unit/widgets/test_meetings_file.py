"""Meetings that move, in the iCalendar file: their UIDs, and what a program shows that reads the file again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from recurring_ical_events import CalendarQuery

from hubs.clients.all import Clients
from hubs.clients.fedocal import Meeting
from hubs.fragments.store import FragmentStore
from hubs.parameters.addresses import TypedAddress
from hubs.widgets.meetings.ics import calendar_file
from tests.upstream import Reply, Upstream

PARIS = ZoneInfo("Europe/Paris")
#: Paris changes its time on 29 March 2026, in the middle of the span.
FIRST, LAST = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 25, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 17, 16, tzinfo=PARIS)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)

Shown = dict[datetime, str]


@dataclass(frozen=True)
class Row:
    """A row of Fedocal's table of meetings; its id is shared by ``times`` occurrences, ``every`` so many days."""

    id: int
    start: datetime
    every: int = 0
    times: int = 1

    def occurrences(self) -> Iterator[dict[str, Any]]:
        for number in range(self.times):
            start = (self.start + timedelta(days=self.every * number)).astimezone(UTC)
            end = start + HOUR
            yield {
                "meeting_id": self.id,
                "meeting_name": "Tide watch",
                "calendar_name": "tides",
                "meeting_date": f"{start:%Y-%m-%d}",
                "meeting_date_end": f"{end:%Y-%m-%d}",
                "meeting_time_start": f"{start:%H:%M:%S}",
                "meeting_time_stop": f"{end:%H:%M:%S}",
                "meeting_timezone": "Europe/Paris",
            }

    def event(self, *more: str) -> str:
        """Return the same as an event of an iCalendar file."""
        times = [f"{name};TZID=Europe/Paris:{at:%Y%m%dT%H%M%S}" for name, at in self._span()]
        rule = [f"RRULE:FREQ=DAILY;INTERVAL={self.every};COUNT={self.times}"] if self.times > 1 else []
        return "\n".join(
            ("BEGIN:VEVENT", f"UID:{self.id}@tides", *times, *rule, *more, "SUMMARY:Tide watch", "END:VEVENT")
        )

    def _span(self) -> tuple[tuple[str, datetime], tuple[str, datetime]]:
        return ("DTSTART", self.start), ("DTEND", self.start + HOUR)


def exception(planned: datetime, start: datetime, *more: str) -> str:
    """Return the event by which an iCalendar file moves one occurrence of the series 42."""
    return Row(42, start).event(f"RECURRENCE-ID;TZID=Europe/Paris:{planned:%Y%m%dT%H%M%S}", *more)


class Program:
    """A person's calendar: reading a file replaces all entries of each UID that it contains, and keeps the others."""

    def __init__(self) -> None:
        self.entries: dict[str, list[icalendar.Component]] = {}

    def read(self, file: bytes) -> None:
        entries: dict[str, list[icalendar.Component]] = {}
        for event in icalendar.Calendar.from_ical(file).walk("VEVENT"):
            entries.setdefault(str(event["UID"]), []).append(event)
        self.entries.update(entries)

    def shown(self) -> list[tuple[datetime, str]]:
        """Return start and UID of everything in the calendar, in order."""
        calendar = icalendar.Calendar()
        for events in self.entries.values():
            calendar.subcomponents.extend(events)
        found = CalendarQuery(calendar).between(FIRST, LAST + timedelta(days=60))
        return sorted((event["DTSTART"].dt.astimezone(UTC), str(event["UID"])) for event in found)


ReadMeetings = Callable[[list[Any]], list[Meeting]]


def from_fedocal(upstream: Upstream, clients: Clients) -> ReadMeetings:
    """Return a function that serves rows of Fedocal, and returns the meetings that the client reads."""

    def read(rows: list[Row]) -> list[Meeting]:
        upstream.on("/api/meetings/", {"meetings": [entry for row in rows for entry in row.occurrences()]})
        return clients.fedocal.meetings(f"tides{len(upstream.asked)}", FIRST.date(), LAST.date())

    return read


def from_address(upstream: Upstream, clients: Clients) -> ReadMeetings:
    """Return a function that serves events, or rows as such, and returns the meetings that the client reads."""

    def read(events: list[Row | str]) -> list[Meeting]:
        texts = "\n".join(event if isinstance(event, str) else event.event() for event in events)
        path = f"/team{len(upstream.asked)}.ics"
        upstream.on(path, Reply(f"BEGIN:VCALENDAR\n{texts}\nEND:VCALENDAR\n"))
        return list(clients.calendars.read(TypedAddress(f"{upstream.url}{path}", "hub:1"), FIRST, LAST).meetings)

    return read


@pytest.fixture(params=[from_fedocal, from_address])
def served(request: pytest.FixtureRequest, upstream: Upstream, fragments: FragmentStore) -> ReadMeetings:
    """Provide such a function for each source."""
    read: ReadMeetings = request.param(upstream, fragments.clients)
    return read


def assert_moves(before: list[Meeting], after: list[Meeting], moved: datetime, to: datetime) -> None:
    """Check that the meeting that moved keeps its UID, and that a program shows it and all others once."""
    program = Program()
    program.read(calendar_file("Tides", before))
    assert [start for start, _uid in program.shown()] == [meeting.start for meeting in before]
    uid = dict(program.shown())[moved.astimezone(UTC)]
    program.read(calendar_file("Tides", after))
    assert [start for start, _uid in program.shown()] == [meeting.start for meeting in after]
    assert dict(program.shown())[to.astimezone(UTC)] == uid


MOVES = [HOUR, DAY, WEEK, timedelta(days=-16, hours=3), timedelta(days=28)]


@pytest.mark.parametrize("by", MOVES)
def test_a_meeting_that_moves_keeps_its_uid(served: ReadMeetings, by: timedelta) -> None:
    before, after = served([Row(42, TUESDAY)]), served([Row(42, TUESDAY + by)])
    assert_moves(before, after, TUESDAY, TUESDAY + by)


@pytest.mark.parametrize("by", MOVES[:3])
@pytest.mark.parametrize("series", [Row(42, TUESDAY, 7, 4), Row(42, TUESDAY, 1, 20), Row(42, TUESDAY, 14, 2)])
def test_a_series_that_moves_keeps_its_uid(served: ReadMeetings, series: Row, by: timedelta) -> None:
    before, after = served([series]), served([replace(series, start=TUESDAY + by)])
    assert len(before) == series.times
    assert_moves(before, after, TUESDAY, TUESDAY + by)


@pytest.mark.parametrize("by", MOVES[:3])
@pytest.mark.parametrize("every", [7, 1])
@pytest.mark.parametrize("place", [0, 2, 3])
@pytest.mark.parametrize("source", [from_fedocal, from_address])
def test_an_occurrence_that_moves_keeps_its_uid(
    upstream: Upstream, fragments: FragmentStore, source: Any, every: int, place: int, by: timedelta
) -> None:
    series = Row(42, TUESDAY, every, 4)
    planned = TUESDAY + timedelta(days=every * place)
    start = planned + by + timedelta(minutes=30)
    if source is from_fedocal:
        # Fedocal's edit_meeting keeps the row for what is edited and copies the others into new rows.
        earlier, later = Row(43, TUESDAY, every, place), Row(44, planned + timedelta(days=every), every, 3 - place)
        after: list[Any] = [row for row in (earlier, Row(42, start), later) if row.times]
    else:
        after = [series, exception(planned, start)]
    read = source(upstream, fragments.clients)
    assert_moves(read([series]), read(after), planned, start)


@pytest.mark.parametrize("by", [timedelta(), *MOVES[:3]])
def test_the_last_occurrence_has_the_uid_of_the_series(served: ReadMeetings, by: timedelta) -> None:
    last = TUESDAY + 2 * WEEK
    whole = served([Row(42, TUESDAY, 7, 3)])
    (remaining,), moved = served([Row(42, last)]), served([Row(42, last + by)])
    assert whole[-1].start == remaining.start
    for before in (whole, whole[-1:], [remaining]):
        assert_moves(before, moved, last, last + by)


def test_a_series_of_whole_days_keeps_its_uid_and_has_dates(upstream: Upstream, fragments: FragmentStore) -> None:
    days = "BEGIN:VEVENT\nUID:42@tides\nDTSTART;VALUE=DATE:20260305\nRRULE:FREQ=MONTHLY;COUNT=2{}\nEND:VEVENT"
    read = from_address(upstream, fragments.clients)
    before = calendar_file("Tides", read([days.format("")]))
    (event,) = icalendar.Calendar.from_ical(before).walk("VEVENT")
    assert event["DTSTART"].dt == date(2026, 3, 5)
    assert event["RRULE"] == {"FREQ": ["DAILY"], "INTERVAL": [31], "COUNT": [2]}
    moved = "\nEXDATE;VALUE=DATE:20260405\nRDATE;VALUE=DATE:20260406,20260409"
    after = icalendar.Calendar.from_ical(calendar_file("Tides", read([days.format(moved)])))
    assert {str(entry["UID"]) for entry in after.walk("VEVENT")} == {str(event["UID"])}
    starts = [entry["DTSTART"].dt for entry in CalendarQuery(after).between(FIRST, LAST)]
    assert sorted(starts) == [date(2026, 3, 5), date(2026, 4, 6), date(2026, 4, 9)]


def series(*starts: datetime, **more: Any) -> list[Meeting]:
    usual = Meeting("42", "Tides", "tides", TUESDAY, TUESDAY + HOUR, "#tides", "", (), "", zone=PARIS)
    spans = [(start.astimezone(UTC), (start + HOUR).astimezone(UTC)) for start in starts]
    return [replace(usual, start=start, end=end, **more) for start, end in spans]


def events_of(meetings: list[Meeting]) -> list[icalendar.Component]:
    return icalendar.Calendar.from_ical(calendar_file("tides", meetings)).walk("VEVENT")


def test_a_series_is_one_entry_with_the_rule_of_its_time_zone() -> None:
    (event,) = events_of(series(*(TUESDAY + number * WEEK for number in (0, 1, 2, 4))))
    assert event["DTSTART"].dt == TUESDAY
    assert event["RRULE"] == {"FREQ": ["WEEKLY"], "INTERVAL": [1], "COUNT": [5]}
    assert [entry.dt for entry in event["EXDATE"].dts] == [TUESDAY + 3 * WEEK]
    assert b"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris" in calendar_file("tides", series(TUESDAY, TUESDAY + WEEK))


def test_an_occurrence_that_differs_is_an_entry_with_its_planned_time() -> None:
    first, second, third = series(TUESDAY, TUESDAY + WEEK, TUESDAY + 2 * WEEK)
    second = replace(second, name="With guests", end=second.end + HOUR)
    master, other = events_of([first, second, third])
    assert (str(other["SUMMARY"]), other["RECURRENCE-ID"].dt) == ("With guests", TUESDAY + WEEK)
    assert other["DTEND"].dt - other["DTSTART"].dt == 2 * HOUR
    assert master["UID"] == other["UID"]


def test_an_occurrence_that_was_moved_is_an_exception_at_its_planned_time() -> None:
    first, second, third = series(TUESDAY, TUESDAY + WEEK + DAY, TUESDAY + 2 * WEEK)
    master, moved = events_of([first, replace(second, planned=TUESDAY + WEEK), third])
    assert master["RRULE"] == {"FREQ": ["WEEKLY"], "INTERVAL": [1], "COUNT": [3]}
    assert (moved["RECURRENCE-ID"].dt, moved["DTSTART"].dt) == (TUESDAY + WEEK, TUESDAY + WEEK + DAY)


def test_meetings_at_several_times_of_day_are_listed_by_date() -> None:
    starts = [TUESDAY, TUESDAY + HOUR, TUESDAY + DAY]
    (event,) = events_of(series(*starts))
    assert "RRULE" not in event
    program = Program()
    program.read(calendar_file("tides", series(*starts)))
    assert [start for start, _uid in program.shown()] == starts


def test_different_meetings_have_different_uids() -> None:
    first, second = (events_of(series(TUESDAY, id=number))[0]["UID"] for number in ("42", "43"))
    assert first != second
    # Without an id the name of the meeting has to do.
    nameless = [events_of(series(TUESDAY + by, id=""))[0]["UID"] for by in (HOUR, WEEK)]
    assert nameless[0] == nameless[1] != events_of(series(TUESDAY, id="", name="Other"))[0]["UID"]
    # A meeting that moves to another calendar of the same server stays the same one.
    assert events_of(series(TUESDAY, calendar="docs"))[0]["UID"] == first
