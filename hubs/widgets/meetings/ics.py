"""Meetings as an iCalendar file (RFC 5545), which every calendar can read."""

import hashlib
from collections.abc import Iterable

from icalendar import Calendar, Event

from hubs.clients.fedocal import Meeting
from hubs.models import now


def calendar_file(name: str, meetings: Iterable[Meeting]) -> bytes:
    """Return the meetings as a file; the library escapes and folds all text."""
    calendar = Calendar()
    calendar.add("prodid", "-//Fedora Hubs//Meetings//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    created_at = now()
    for meeting in meetings:
        event = Event()
        event.add("uid", _uid(meeting))
        event.add("dtstamp", created_at)
        event.add("dtstart", meeting.start)
        event.add("dtend", meeting.end)
        event.add("summary", meeting.name)
        for field, text in (("location", meeting.location), ("description", meeting.information), ("url", meeting.url)):
            if text:
                event.add(field, text)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _uid(meeting: Meeting) -> str:
    """Return a stable identifier, so that importing the file again updates the meeting instead of duplicating it."""
    identifier = meeting.id or meeting.name
    text = "\n".join((meeting.calendar, identifier, meeting.start.isoformat()))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}@hubs"
