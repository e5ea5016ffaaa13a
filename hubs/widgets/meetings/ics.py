"""Meetings as an iCalendar file (RFC 5545), which every calendar can read."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from icalendar import Calendar, Event

from hubs.clients.fedocal import Meeting
from hubs.models import now


def calendar_file(name: str, meetings: Sequence[Meeting]) -> bytes:
    """Return the meetings as a file; the library escapes and folds all text."""
    calendar = Calendar()
    calendar.add("prodid", "-//Fedora Hubs//Meetings//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    created_at = now()
    for meeting, uid in zip(meetings, _uids(meetings), strict=True):
        event = Event()
        event.add("uid", uid)
        event.add("dtstamp", created_at)
        event.add("dtstart", meeting.start.date() if meeting.all_day else meeting.start)
        event.add("dtend", meeting.end.date() if meeting.all_day else meeting.end)
        event.add("summary", meeting.name)
        for field, text in (("location", meeting.location), ("description", meeting.information), ("url", meeting.url)):
            if text:
                event.add(field, text)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _uids(meetings: Sequence[Meeting]) -> list[str]:
    """Return stable identifiers, so that importing the file again updates meetings instead of duplicating them.

    A meeting keeps its identifier when it moves. The server reports the occurrences of a recurring meeting under one
    id, usually weeks apart: these are told apart by their week, within which they can move.
    """
    starts: dict[tuple[str, str], set[datetime]] = {}
    for meeting in meetings:
        starts.setdefault(_series(meeting), set()).add(meeting.start)
    return [_uid(meeting, sorted(starts[_series(meeting)])) for meeting in meetings]


def _uid(meeting: Meeting, starts: Sequence[datetime]) -> str:
    parts = list(_series(meeting))
    if len(starts) > 1:
        week = meeting.start.isocalendar()[:2]
        # Several in one week, as of a daily meeting, are numbered.
        parts += map(str, (*week, [start for start in starts if start.isocalendar()[:2] == week].index(meeting.start)))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{digest[:32]}@hubs"


def _series(meeting: Meeting) -> tuple[str, str]:
    return meeting.calendar, meeting.id or meeting.name
