"""Meetings as an iCalendar file (RFC 5545), which every calendar can read.

A meeting that recurs is one entry with a recurrence rule, and another entry with its ``RECURRENCE-ID`` for each
occurrence that differs. Programs replace all entries of a UID when they read the file again, so a meeting may move in
any way without being there twice. The UID comes from the id that the calendar's server gives the whole series.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import gcd
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from hubs.clients.fedocal import Meeting
from hubs.models import now


def calendar_file(name: str, meetings: Sequence[Meeting]) -> bytes:
    """Return the meetings as a file; the library escapes and folds all text."""
    calendar = Calendar()
    calendar.add("prodid", "-//Fedora Hubs//Meetings//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    series: dict[str, list[Meeting]] = {}
    for meeting in meetings:
        series.setdefault(_uid(meeting), []).append(meeting)
    created_at = now()
    for uid, occurrences in series.items():
        for event in _events(occurrences):
            event.add("uid", uid)
            event.add("dtstamp", created_at)
            calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _uid(meeting: Meeting) -> str:
    """Return an identifier that stays the same when a meeting moves; all occurrences of a series share it."""
    parts = [meeting.id] if meeting.id else [meeting.calendar, meeting.name]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{digest[:32]}@hubs"


def _events(occurrences: Sequence[Meeting]) -> Iterator[Event]:
    """Yield the entries of one series: the only meeting, or the rule and its exceptions."""
    by_plan = {_planned(meeting): meeting for meeting in occurrences}
    if len(by_plan) == 1:
        yield from map(_event, by_plan.values())
        return
    plans = sorted(by_plan)
    # The rule describes an occurrence that nobody moved, if there is one.
    usual = next((by_plan[plan] for plan in plans if by_plan[plan].start == plan), by_plan[plans[0]])
    event = _event(_at(usual, plans[0]), usual.zone)
    _add_recurrence(event, [_when(usual, plan, usual.zone) for plan in plans])
    yield event
    for plan in plans:
        if _at(usual, plan) != _at(by_plan[plan], by_plan[plan].start):
            exception = _event(by_plan[plan], usual.zone)
            exception.add("recurrence-id", _when(usual, plan, usual.zone))
            yield exception


def _planned(meeting: Meeting) -> datetime:
    return meeting.planned or meeting.start


def _at(meeting: Meeting, start: datetime) -> Meeting:
    """Return the meeting as it would be at another time."""
    return replace(meeting, start=start, end=start + (meeting.end - meeting.start), planned=None)


def _event(meeting: Meeting, zone: ZoneInfo | None = None) -> Event:
    event = Event()
    event.add("dtstart", _when(meeting, meeting.start, zone))
    event.add("dtend", _when(meeting, meeting.end, zone))
    event.add("summary", meeting.name)
    for field, text in (("location", meeting.location), ("description", meeting.information), ("url", meeting.url)):
        if text:
            event.add(field, text)
    return event


def _when(meeting: Meeting, moment: datetime, zone: ZoneInfo | None) -> date:
    if meeting.all_day:
        return moment.date()
    return moment.astimezone(zone) if zone else moment


def _add_recurrence(event: Event, starts: Sequence[date]) -> None:
    """Add the rule by which the first of these times leads to the others.

    Every program knows rules with exceptions, and not every one knows lists of dates: these are only for meetings that
    are at several times of day.
    """
    if len({start.timetz().replace(tzinfo=None) for start in starts if isinstance(start, datetime)}) > 1:
        event.add("rdate", list(starts[1:]))
        return
    days = [(_day(start) - _day(starts[0])).days for start in starts]
    step = gcd(*days)
    unit = 7 if step % 7 == 0 else 1
    event.add(
        "rrule",
        {"freq": "weekly" if unit == 7 else "daily", "interval": step // unit, "count": days[-1] // step + 1},
    )
    if skipped := [starts[0] + timedelta(days=day) for day in range(0, days[-1], step) if day not in days]:
        event.add("exdate", skipped)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value
