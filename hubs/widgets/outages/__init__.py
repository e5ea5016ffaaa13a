"""The state of a community's services: outages that are going on, and planned ones, from a status page."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from hubs.clients.community.statuspage import Outage, Status
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.models import now
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Outages(Widget):
    """Outages."""

    name = "outages"
    label = N_("Status of services")
    summary = N_("Outages that are going on, and planned ones, from the community's status page.")
    icon = "server"
    position = "any"
    #: Nothing announces an outage; the two files are static and mostly unchanged.
    lifetime = 300
    parameters: ClassVar = [
        Parameter(
            "address",
            label=N_("Address of a status page"),
            default="",
            kind="url",
            help=N_("Another page that has ongoing.json and planned.json. Empty means the community's own."),
        ),
        Parameter("limit", label=N_("Outages shown"), default=5, kind="number", minimum=1, maximum=20),
    ]


class GetStatus(CachedFunction):
    """Reads the status page."""

    def interests(self) -> list[Interest]:
        """Match nothing: no message tells about outages, so only time makes it stale."""
        return []

    def execute(self) -> Status:
        """Return the outages.

        :raises NeedsSetup: when no page is named, or its address may not be read.
        :raises UpstreamError: when there is no usable response.
        """
        address = self.instance.config["address"] or None
        if address is None and not self.clients.statuspage.is_used:
            raise NeedsSetup(_("Which status page? An owner can write its address in this widget's settings."))
        try:
            return self.clients.statuspage.read(address)
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None


class OutagesView(RootWidgetView):
    """Shows the outages."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the outages to show, and the number of those that are going on."""
        status = GetStatus(instance)()
        relevant = [outage for outage in status.outages if not _is_over(outage)]
        return {
            "outages": cut(relevant, instance.config["limit"] or 5, page),
            "ongoing": sum(not outage.planned for outage in relevant),
            "page": status.page,
            "is_short": _is_short,
        }


def _is_short(outage: Outage) -> bool:
    """Return whether the time of day says when an outage ends, since it lasts less than a day."""
    lasts = outage.end - outage.start if outage.start and outage.end else timedelta(0)
    return timedelta(0) < lasts < timedelta(days=1)


def _is_over(outage: Outage) -> bool:
    """Return whether a planned outage has ended; a current one ends when the page says so."""
    return outage.planned and outage.end is not None and outage.end < now()
