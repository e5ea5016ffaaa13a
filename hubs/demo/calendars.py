"""iCalendar files of the demo's teams: meetings that recur in a time zone, and whole days."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from hubs.demo import messages as invented

#: Zones in which the teams meet.
_ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR")


def file(team: str) -> bytes:
    """Return the calendar of a team, which is the same every day but for the week that it begins with."""
    chance = random.Random(f"calendar {team}")
    today = datetime.now(UTC).date()
    first = today - timedelta(weeks=2, days=today.weekday())
    calendar = Calendar()
    calendar.add("prodid", "-//Fedora Hubs//Demo//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"Calendar of {team}")
    zone = ZoneInfo(chance.choice(_ZONES))
    for number in range(2):
        weekday = chance.randrange(len(_WEEKDAYS))
        start = datetime.combine(first + timedelta(days=weekday), time(chance.randint(9, 17)), zone)
        event = _event(f"{number}@{team}", chance.choice(invented.TOPICS), start, start + timedelta(hours=1))
        event.add("rrule", {"freq": "weekly", "interval": number + 1, "byday": _WEEKDAYS[weekday]})
        event.add("location", f"#{team}")
        calendar.add_component(event)
    sprint = first + timedelta(weeks=3, days=3)
    calendar.add_component(_event(f"sprint@{team}", "Sprint", sprint, sprint + timedelta(days=2)))
    return bytes(calendar.to_ical())


def _event(uid: str, summary: str, start: date, end: date) -> Event:
    event = Event()
    event.add("uid", f"{uid}.example.org")
    event.add("dtstamp", datetime(2026, 1, 1, tzinfo=UTC))
    event.add("summary", summary)
    event.add("dtstart", start)
    event.add("dtend", end)
    return event
