"""Calendars: iCalendar files from addresses that people typed, with recurring meetings as one entry per occurrence.

Format: https://www.rfc-editor.org/rfc/rfc5545, expanded by the libraries icalendar and recurring-ical-events. Times are
in the zone that they name, by its public name or as the calendar defines it; those without a zone are in the calendar's
``X-WR-TIMEZONE``, else UTC. Events that are cancelled, private or confidential are left out.
"""

import logging
import re
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from recurring_ical_events import CalendarQuery

from hubs.clients import icaltext, recurrence
from hubs.clients.fedocal import UTC_ZONE, Meeting, public_zone
from hubs.clients.http.client import HTTP
from hubs.clients.http.records import report
from hubs.clients.http.response import Response, link, tidy, unexpected, utc
from hubs.parameters.addresses import TypedAddress

log = logging.getLogger(__name__)
ACCEPT = "text/calendar, */*;q=0.1"
#: Bytes read of a file, events and occurrences read of it, and seconds after which the rest is left out.
LIMIT, EVENTS, OCCURRENCES, BUDGET = 2_000_000, 5000, 1000, 4.0
#: Days before the first one in which a meeting that is still going on may have begun.
_LONG = 40
#: Most exceptions to a series in a span.
EXCEPTIONS = 1000
_UNTIL = re.compile(r"UNTIL=(\d{8})", re.IGNORECASE)


@dataclass(frozen=True)
class PublishedCalendar:
    """The meetings of a calendar between two times, ordered by start; ``name`` is its name, else its host."""

    name: str
    meetings: tuple[Meeting, ...]
    #: Whether there are so many meetings that later ones are missing.
    is_cut: bool = False


class Calendars:
    """A client that reads iCalendar files."""

    def __init__(self, http: HTTP) -> None:
        self._http = http

    def read(self, url: TypedAddress, start: datetime, end: datetime) -> PublishedCalendar:
        """Return the meetings of the calendar at an address that overlap a span of time.

        :raises UpstreamForbidden: when the address leads to no public web server.
        :raises UpstreamError: when there is no calendar.
        """
        response = self._http.get(url, accept=ACCEPT, limit=LIMIT, cut=True)
        parts = icaltext.split(response.body.decode("utf-8", "replace"), response.is_cut)
        if parts is None:
            raise unexpected(response.name)
        name = tidy(_unescaped(parts.properties.get("X-WR-CALNAME") or parts.properties.get("NAME") or ""), 100)
        meetings = _Reading(response, parts, start, end).meetings(name or response.name)
        ordered = sorted(meetings, key=lambda meeting: (meeting.start, meeting.name))
        return PublishedCalendar(name or response.name, tuple(ordered[:OCCURRENCES]), len(ordered) >= OCCURRENCES)


class _Reading:
    """One reading of a file, series by series: an odd one costs only itself, and all of them a limited time."""

    def __init__(self, response: Response, parts: icaltext.CalendarText, start: datetime, end: datetime) -> None:
        self._service, self._parts = response.name, parts
        self._start, self._end = start, end
        self._floating = public_zone(parts.properties.get("X-WR-TIMEZONE", ""))
        self._zones = recurrence.defined_zones(parts.zones, end.date())

    def meetings(self, calendar: str) -> Iterator[Meeting]:
        """Yield the occurrences of all events, in no order; report what could not be read."""
        deadline, skipped = time.monotonic() + BUDGET, self._parts.broken
        causes = {("event", "no end")} if skipped else set()
        near = [text for text in self._parts.events if _is_near(text, self._start, self._end)]
        series = _series(near[:EVENTS])
        for place, events in enumerate(series):
            if time.monotonic() > deadline:
                log.warning("The calendar of %s takes too long; %d events left out", self._service, len(series) - place)
                skipped += len(series) - place
                causes.add(("event", "too late"))
                break
            try:
                yield from [_meeting(event, calendar) for event in self._expanded(events)]
            except Exception as error:  # the library raises many kinds about odd events
                skipped += len(events)
                causes.add(("event", type(error).__name__))
        if skipped:
            report(self._service, causes, skipped, len(self._parts.events) + self._parts.broken)

    def _expanded(self, texts: Sequence[str]) -> list[Event]:
        if len(texts) > EXCEPTIONS:
            raise ValueError("it has too many exceptions")
        calendar = Calendar()
        for text in texts:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about names of zones, of which the library takes the likeliest
                event = Event.from_ical(text)
            recurrence.localise(event, self._zones, self._floating)
            if not recurrence.is_affordable(event, self._end.date()):
                raise ValueError("it has no start, or recurs in a way that takes too long")
            calendar.add_component(event)
        occurrences = CalendarQuery(calendar).between(self._start, self._end)[:OCCURRENCES]
        return [event for event in occurrences if _is_shown(event)]


def _series(texts: Iterable[str]) -> list[list[str]]:
    """Return the events with the same identifier together: a recurring one, and the exceptions to it."""
    series: dict[object, list[str]] = {}
    for text in texts:
        series.setdefault(icaltext.value(text, "UID") or object(), []).append(text)
    return list(series.values())


def _is_near(text: str, start: datetime, end: datetime) -> bool:
    """Return false if an event is certainly not in the span, which saves parsing the years before it."""
    near = f"{start - timedelta(days=_LONG):%Y%m%d}", f"{end + timedelta(days=2):%Y%m%d}"
    first = icaltext.value(text, "DTSTART")[:8]
    last = icaltext.value(text, "DTEND")[:8] or first
    rule, shouted = icaltext.value(text, "RRULE"), text.upper()
    until = _UNTIL.search(rule)
    if "\nRDATE" in shouted or "\nDURATION" in shouted or "RANGE=" in shouted or (rule and not until):
        return True
    # An exception also matters where it was moved from.
    replaced = icaltext.value(text, "RECURRENCE-ID")[:8] or first
    days = (first, replaced), (last, replaced, until[1] if until else last)
    if not all(day.isdigit() for group in days for day in group):
        return True
    return max(days[1]) >= near[0] and min(days[0]) <= near[1]


def _is_shown(event: Event) -> bool:
    private = str(event.get("CLASS", "")).upper() in ("PRIVATE", "CONFIDENTIAL")
    return not private and str(event.get("STATUS", "")).upper() != "CANCELLED"


def _meeting(event: Event, calendar: str) -> Meeting:
    start = recurrence.moment(event, "DTSTART")
    if start is None:
        raise ValueError("it has no start")
    all_day = not isinstance(start, datetime)
    # The library gives every occurrence this property, also one that was never moved.
    planned = recurrence.moment(event, "RECURRENCE-ID") or start
    zone = getattr(planned, "tzinfo", None)
    begin, end = _moment(start), _moment(recurrence.moment(event, "DTEND") or start)
    return Meeting(
        id=tidy(str(event.get("UID", "")), 300),
        name=_text(event, "SUMMARY") or "…",
        calendar=calendar,
        start=begin,
        end=max(begin + timedelta(days=all_day), end),
        location=_text(event, "LOCATION"),
        information=_text(event, "DESCRIPTION"),
        managers=(),
        url=link(str(event.get("URL", ""))),
        all_day=all_day,
        # Zones that the file defines itself have no name that other programs know.
        zone=zone if isinstance(zone, ZoneInfo) else UTC_ZONE,
        planned=_moment(planned),
    )


def _moment(value: date) -> datetime:
    """Return a time in UTC; a day begins at midnight UTC, since it has no zone."""
    return utc(value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time()))


def _text(event: Event, name: str) -> str:
    values: list[Any] = recurrence.values(event, name)
    return tidy(values[0]) if values else ""


def _unescaped(text: str) -> str:
    return text.replace("\\,", ",").replace("\\;", ";").replace("\\n", " ").replace("\\\\", "\\")
