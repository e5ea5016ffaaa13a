"""The next meetings of a team, from its calendar, and the file that adds them to one's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from hubs import urls
from hubs.clients.fedocal import Meeting
from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.models import now
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.meetings.ics import calendar_file
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: Meetings kept of one calendar.
KEPT = 100


class Meetings(Widget):
    """The next meetings."""

    name = "meetings"
    label = N_("Meetings")
    summary = N_("The next meetings from a calendar of Fedocal, in your own time zone, to add to your calendar.")
    icon = "calendar"
    lifetime = 1800
    parameters: ClassVar = [
        Parameter(
            "calendar",
            label=N_("Calendar"),
            default="",
            help=N_("Its name in Fedocal. Empty means the one in this hub's settings."),
        ),
        Parameter("days", label=N_("Days ahead"), default=30, kind="number", minimum=1, maximum=180),
        Parameter("limit", label=N_("Meetings shown"), default=3, kind="number", minimum=1, maximum=20),
    ]


@dataclass(frozen=True)
class Agenda:
    """The meetings of a calendar that are not over, the next one first; ``page`` is the address of the calendar."""

    calendar: str
    page: str
    meetings: tuple[Meeting, ...]


class GetMeetings(CachedFunction):
    """Asks Fedocal."""

    @property
    def calendar(self) -> str:
        """The name of the calendar, or nothing."""
        named = self.instance.config["calendar"] or (self.instance.hub.extras or {}).get("calendar") or ""
        return named if isinstance(named, str) else ""

    def interests(self) -> list[Interest]:
        """Return: meetings of the calendar, and settings of the hub where the calendar is named there."""
        found = (
            [Interest(("fedocal.meeting", "fedocal.calendar"), "calendar", self.calendar.lower())]
            if self.calendar
            else []
        )
        if not self.instance.config["calendar"]:
            found.append(Interest(("hubs.hub.updated",), "hub", str(self.instance.hub.id)))
        return found

    def execute(self) -> Agenda:
        """Return the meetings of the coming days.

        :raises NeedsSetup: when no calendar is named.
        """
        if not self.calendar:
            raise NeedsSetup(
                _("Which calendar? An owner can name one of Fedocal in this widget's settings, or in the hub's.")
            )
        fedocal, moment = self.clients.fedocal, now()
        # One day earlier: a meeting of yesterday may not be over.
        first, last = (
            moment.date() - timedelta(days=1),
            moment.date() + timedelta(days=self.instance.config["days"] or 30),
        )
        found = [meeting for meeting in fedocal.meetings(self.calendar, first, last) if meeting.end >= moment]
        return Agenda(self.calendar, fedocal.page(self.calendar), tuple(found[:KEPT]))


class MeetingsView(RootWidgetView):
    """Shows the meetings."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the meetings to show that are not over."""
        agenda, moment = GetMeetings(instance)(), now()
        coming = [meeting for meeting in agenda.meetings if meeting.end >= moment]
        return {
            "agenda": agenda,
            "meetings": cut(coming, instance.config["limit"] or 3, page),
            "days": instance.config["days"] or 30,
            "file": urls.widget_calendar(instance.id),
        }

    def calendar(self, instance: Row) -> bytes:
        """Return all meetings that are known as an iCalendar file."""
        agenda = GetMeetings(instance)()
        return calendar_file(agenda.calendar, agenda.meetings)
