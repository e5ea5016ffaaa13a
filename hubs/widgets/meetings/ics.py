"""Meetings as an iCalendar file (RFC 5545), which every calendar can read."""

import hashlib
from collections.abc import Iterable

from icalendar import Calendar, Event

from hubs.clients.fedocal import Meeting
from hubs.models import now


def calendar_file(name: str, meetings: Iterable[Meeting]) -> bytes:
    """Return the meetings as a file; the library escapes and folds every text."""
    made = Calendar()
    made.add("prodid", "-//Fedora Hubs//Meetings//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    moment = now()
    for meeting in meetings:
        event = Event()
        event.add("uid", _uid(meeting))
        event.add("dtstamp", moment)
        event.add("dtstart", meeting.start)
        event.add("dtend", meeting.end)
        event.add("summary", meeting.name)
        for field, text in (("location", meeting.location), ("description", meeting.information), ("url", meeting.url)):
            if text:
                event.add(field, text)
        made.add_component(event)
    return bytes(made.to_ical())


def _uid(meeting: Meeting) -> str:
    """Name a meeting so that adding the file again changes it instead of adding it twice."""
    what = meeting.id or meeting.name
    said = "\n".join((meeting.calendar, what, meeting.start.isoformat()))
    return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}@hubs"
