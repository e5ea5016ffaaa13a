"""Fedocal: when people meet.

API: https://calendar.fedoraproject.org/api/, section "Retrieve meetings": ``/api/meetings/?calendar=…&start=…&end=…``
with dates as ``2026-03-01``; meetings that repeat are there once for each time. Answer::

    {"meetings": [{"meeting_id": 42, "meeting_name": "Docs", "calendar_name": "docs", "meeting_manager": ["rana"],
                   "meeting_date": "2026-03-03", "meeting_time_start": "16:00:00",
                   "meeting_date_end": "2026-03-03", "meeting_time_stop": "17:00:00", "meeting_timezone": "UTC",
                   "meeting_information": "…", "meeting_location": "…"}],
     "arguments": {"calendar": "docs", "start": "2026-03-01", "end": "2026-04-01", "region": null}}

Older servers leave out id and time zone, and write managers as ``"rana,"``. A calendar that there is not is a 400.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.response import Shape, Text


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value or []


#: A day that there is in every time zone.
_Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]


@dataclass(frozen=True)
class Meeting:
    """One meeting; both moments are in UTC. ``id`` is empty where the server does not tell it."""

    id: str
    name: str
    calendar: str
    start: datetime
    end: datetime
    location: str
    information: str
    managers: tuple[str, ...]
    url: str


class _Meeting(Shape):
    meeting_id: int | None = None
    meeting_name: Text
    calendar_name: Text = ""
    meeting_date: _Day
    meeting_date_end: _Day | None = None
    meeting_time_start: time
    meeting_time_stop: time | None = None
    meeting_timezone: Text = "UTC"
    meeting_information: Text = ""
    meeting_location: Text = ""
    meeting_manager: Annotated[tuple[Text, ...], BeforeValidator(_names)] = ()


class _Meetings(Shape):
    meetings: list[_Meeting]


class Fedocal:
    """Asks Fedocal."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Fedocal", base)

    def page(self, calendar: str) -> str:
        """Return the address of a calendar's page."""
        return self._service.url(calendar, "")

    def meetings(self, calendar: str, start: date, end: date) -> list[Meeting]:
        """Return the meetings of a calendar from one day to another, by their beginning.

        :raises UpstreamError: when there is no usable answer, or no such calendar.
        """
        address = self._service.url("api", "meetings", "", calendar=calendar, start=start, end=end)
        found: _Meetings = self._http.get(address, self._service).read_as(_Meetings)
        return sorted((self._meeting(one) for one in found.meetings), key=lambda one: (one.start, one.name))

    def _meeting(self, one: _Meeting) -> Meeting:
        zone = _zone(one.meeting_timezone)
        start = datetime.combine(one.meeting_date, one.meeting_time_start.replace(tzinfo=None), zone)
        stop = (one.meeting_time_stop or one.meeting_time_start).replace(tzinfo=None)
        end = datetime.combine(one.meeting_date_end or one.meeting_date, stop, zone)
        number = "" if one.meeting_id is None else str(one.meeting_id)
        return Meeting(
            id=number,
            name=one.meeting_name,
            calendar=one.calendar_name,
            start=start.astimezone(UTC),
            end=max(start, end).astimezone(UTC),
            # Fedocal writes a missing place as the word None.
            location="" if one.meeting_location == "None" else one.meeting_location,
            information=one.meeting_information,
            managers=one.meeting_manager,
            url=self._service.url("meeting", number, "") if number else self.page(one.calendar_name),
        )


def _zone(name: str) -> ZoneInfo:
    """Return a time zone; UTC, in which Fedocal keeps most meetings, for a name that nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")
