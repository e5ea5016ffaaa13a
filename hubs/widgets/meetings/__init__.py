"""The next meetings of a team, from its calendar, also as an iCalendar file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hubs import urls
from hubs.clients.fedocal import Meeting
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.models import now
from hubs.parameters.addresses import TypedAddress
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: Most coming and most past meetings kept of a calendar, and how far back past ones are read, for the Calendar tab.
KEPT = 100
PAST = timedelta(days=31)


class Meetings(Widget):
    """The next meetings."""

    name = "meetings"
    label = N_("Meetings")
    summary = N_("The next meetings from a calendar, in your own time zone, to add to your calendar.")
    icon = "calendar"
    position = "any"
    lifetime = 1800
    parameters: ClassVar = [
        Parameter(
            "calendar",
            label=N_("Calendar"),
            default="",
            help=N_("Its name in Fedocal. Empty means the one in this hub's settings."),
        ),
        Parameter(
            "address",
            label=N_("Address of a calendar"),
            default="",
            kind="url",
            help=N_("Instead of Fedocal: an iCalendar file (.ics) on a public web server. The address is not shown."),
        ),
        Parameter("days", label=N_("Days ahead"), default=30, kind="number", minimum=1, maximum=180),
        Parameter("limit", label=N_("Meetings shown"), default=3, kind="number", minimum=1, maximum=20),
    ]


@dataclass(frozen=True)
class Agenda:
    """The current and coming meetings of a calendar, in order; ``page`` is the address of its page, or empty.

    ``past`` are those of the last `PAST`.
    """

    calendar: str
    page: str
    meetings: tuple[Meeting, ...]
    past: tuple[Meeting, ...] = ()


class GetMeetings(CachedFunction):
    """Queries Fedocal, or reads an iCalendar file."""

    @property
    def calendar(self) -> str:
        """The name of the calendar, or an empty text."""
        name = self.instance.config["calendar"] or (self.instance.hub.extras or {}).get("calendar") or ""
        return name if isinstance(name, str) else ""

    def interests(self) -> list[Interest]:
        """Match meetings of the calendar, and the hub's settings if they name the calendar.

        Nothing announces changes of an iCalendar file: only time makes it stale.
        """
        if self.instance.config["address"]:
            return []
        interests = (
            [Interest(("fedocal.meeting", "fedocal.calendar"), "calendar", self.calendar.lower())]
            if self.calendar
            else []
        )
        if not self.instance.config["calendar"]:
            interests.append(Interest(("hubs.hub.updated",), "hub", str(self.instance.hub.id)))
        return interests

    def execute(self) -> Agenda:
        """Return the meetings of the last month and of the coming days.

        :raises NeedsSetup: when no calendar is named, or its address may not be read.
        :raises UpstreamError: when there is no usable response.
        """
        address, current = self.instance.config["address"], now()
        if not self.calendar and not address:
            raise NeedsSetup(self._question())
        first, last = current - PAST, current + timedelta(days=self.instance.config["days"] or 30)
        if address:
            return self._published(address, first, last, current)
        fedocal = self.clients.fedocal
        meetings = fedocal.meetings(self.calendar, first.date(), last.date())
        return _agenda(self.calendar, fedocal.page(self.calendar), meetings, current)

    def _question(self) -> str:
        if self.clients.fedocal.is_used:
            return _("Which calendar? An owner can name one of Fedocal in this widget's settings, or in the hub's.")
        return _("Which calendar? An owner can write the address of one in this widget's settings.")

    def _published(self, address: TypedAddress, first: datetime, last: datetime, current: datetime) -> Agenda:
        try:
            calendar = self.clients.calendars.read(address, first, last)
            if calendar.is_cut:
                # So many past ones that coming ones were cut off. One that began yesterday may still be going on.
                calendar = self.clients.calendars.read(address, current - timedelta(days=1), last)
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None
        # Without a link to it: the address of a calendar often is its password.
        return _agenda(calendar.name, "", calendar.meetings, current)


def _agenda(calendar: str, page: str, meetings: Iterable[Meeting], current: datetime) -> Agenda:
    upcoming: list[Meeting] = []
    past: list[Meeting] = []
    for meeting in meetings:
        (upcoming if meeting.end >= current else past).append(meeting)
    return Agenda(calendar, page, tuple(upcoming[:KEPT]), tuple(past[-KEPT:]))


class MeetingsView(RootWidgetView):
    """Shows the meetings."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the current and coming meetings to show."""
        agenda, current = GetMeetings(instance)(), now()
        upcoming = [meeting for meeting in agenda.meetings if meeting.end >= current]
        return {
            "agenda": agenda,
            "meetings": cut(upcoming, instance.config["limit"] or 3, page),
            "days": instance.config["days"] or 30,
            "file": urls.widget_calendar(instance.id),
        }

    def calendar(self, instance: Row) -> bytes:
        """Return all known meetings as an iCalendar file."""
        from hubs.widgets.meetings.ics import calendar_file  # noqa: PLC0415 - takes long to load

        agenda = GetMeetings(instance)()
        return calendar_file(agenda.calendar, agenda.meetings)
