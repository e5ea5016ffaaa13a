"""Fedocal: the meetings of a calendar.

API: https://calendar.fedoraproject.org/api/, section "Retrieve meetings": ``/api/meetings/?calendar=…&start=…&end=…``
with dates as ``2026-03-01``; a recurring meeting is listed once per occurrence. Response::

    {"meetings": [{"meeting_id": 42, "meeting_name": "Docs", "calendar_name": "docs", "meeting_manager": ["rana"],
                   "meeting_date": "2026-03-03", "meeting_time_start": "16:00:00",
                   "meeting_date_end": "2026-03-03", "meeting_time_stop": "17:00:00", "meeting_timezone": "UTC",
                   "meeting_information": "…", "meeting_location": "…"}],
     "arguments": {"calendar": "docs", "start": "2026-03-01", "end": "2026-04-01", "region": null}}

All dates and times are UTC. ``meeting_timezone`` is only the zone that the meeting is registered in: the server has
applied its daylight saving time already. Older servers leave out id and time zone, and write managers as ``"rana,"``.
An unknown calendar is an error 400.

``meeting_id`` is that of a row, which a meeting and all occurrences of a recurring one share; it stays the same when
they move. The response does not say how a meeting recurs. When only some occurrences are edited, the server keeps the
id for these and copies the others, earlier and later ones, into new rows.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Shape, Text


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value or []


#: A date that can be converted to any time zone.
_Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]


#: The zone of a meeting whose own one is unknown.
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True)
class Meeting:
    """One meeting; start and end are in UTC.

    ``id`` is unique among all servers and stays the same when the meeting moves; occurrences of a recurring meeting
    share it. It is empty if the server does not report it. Occurrences recur in the time zone ``zone``; ``planned`` is
    when one that was moved alone would start otherwise.

    One that lasts whole days has no zone: it is ``all_day``, from midnight UTC to the midnight after its last day.
    """

    id: str
    name: str
    calendar: str
    start: datetime
    end: datetime
    location: str
    information: str
    managers: tuple[str, ...]
    url: str
    all_day: bool = False
    zone: ZoneInfo = UTC_ZONE
    planned: datetime | None = None

    @property
    def last_day(self) -> date:
        """The last day of a meeting that is ``all_day``."""
        return (self.end - timedelta(days=1)).date()


class _Meeting(Shape):
    meeting_id: int | None = None
    meeting_name: Text
    calendar_name: Text = ""
    meeting_date: _Day
    meeting_date_end: _Day | None = None
    meeting_time_start: time
    meeting_time_stop: time | None = None
    meeting_timezone: Text = ""
    meeting_information: Text = ""
    meeting_location: Text = ""
    meeting_manager: Annotated[Parts[Text], BeforeValidator(_names)] = Field(default_factory=list)


class _Meetings(Shape):
    meetings: Records[_Meeting]


class Fedocal:
    """A client of Fedocal."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Fedocal", base)
        self.is_used = self._service.is_used

    def page(self, calendar: str) -> str:
        """Return the address of a calendar's page."""
        return self._service.url(calendar, "")

    def meetings(self, calendar: str, start: date, end: date) -> list[Meeting]:
        """Return the meetings of a calendar between two dates, ordered by start.

        :raises UpstreamError: when there is no usable response, or no such calendar.
        """
        address = self._service.url("api", "meetings", "", calendar=calendar, start=start, end=end)
        response: _Meetings = self._http.get(address, self._service, limit=LARGE).read_as(_Meetings)
        meetings = [self._meeting(entry) for entry in response.meetings]
        return sorted(meetings, key=lambda meeting: (meeting.start, meeting.name))

    def _meeting(self, meeting: _Meeting) -> Meeting:
        start = datetime.combine(meeting.meeting_date, meeting.meeting_time_start.replace(tzinfo=None), UTC)
        stop = (meeting.meeting_time_stop or meeting.meeting_time_start).replace(tzinfo=None)
        end = datetime.combine(meeting.meeting_date_end or meeting.meeting_date, stop, UTC)
        number = "" if meeting.meeting_id is None else str(meeting.meeting_id)
        return Meeting(
            id=f"{number}@{urlsplit(self._service.base).hostname}" if number else "",
            name=meeting.meeting_name,
            calendar=meeting.calendar_name,
            start=start,
            end=max(start, end),
            # Fedocal writes a missing place as the word None.
            location="" if meeting.meeting_location == "None" else meeting.meeting_location,
            information=meeting.meeting_information,
            managers=tuple(filter(None, meeting.meeting_manager)),
            url=self._service.url("meeting", number, "") if number else self.page(meeting.calendar_name),
            zone=public_zone(meeting.meeting_timezone),
        )


def public_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name in the public database, else UTC."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC_ZONE
