"""Requests for help from meetings, by day."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.halp.requests import OFFERS, TOPIC, Request, by_day, followed, read, written
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Halp(Widget):
    """Requests for help."""

    name = "halp"
    label = N_("Help wanted")
    summary = N_("What people asked for help with in meetings, by day, with a link to the log.")
    icon = "question"
    position = "any"
    lifetime = 6 * 3600
    parameters: ClassVar = [
        Parameter(
            "hubs",
            label=N_("Hubs to follow"),
            default=[],
            kind="rows",
            fields=[Parameter("hub", label=N_("Hub"), kind="hub", required=True, help=N_("Such as t/docs."))],
            help=N_("Shows requests from meetings that their people took part in. Empty means all requests."),
        ),
        Parameter("days", label=N_("Days back"), default=30, kind="number", minimum=1, maximum=365),
        Parameter("limit", label=N_("Requests shown"), default=10, kind="number", minimum=1, maximum=100),
    ]


class GetRequests(CachedFunction):
    """Reads the requests from stored messages."""

    stored = False

    @property
    def names(self) -> list[str]:
        """The hubs that are followed, each as ``t/docs`` or ``u/somebody``."""
        return list(dict.fromkeys(row["hub"] for row in self.instance.config["hubs"] or ()))

    def interests(self) -> list[Interest]:
        """Match offers to help, and requests: all of them, or those that name people of the followed hubs."""
        offers = Interest((OFFERS,), "any")
        if not self.names:
            return [Interest((TOPIC,), "any"), offers]
        hubs = followed(session_of(self.instance), self.instance.hub, self.names)
        people = [Interest((TOPIC,), "user", hub.name) for hub in hubs if hub.kind == "user"]
        teams = [str(hub.id) for hub in hubs if hub.kind != "user"]
        members = [Interest((TOPIC,), "team", number) for number in teams]
        return [offers] + people + members + [Interest(("hubs.user.role",), "hub", number) for number in teams]

    def execute(self) -> tuple[list[Request], list[str]]:
        """Return the requests, newest first, and the names that match no hub."""
        session, days = session_of(self.instance), self.instance.config["days"] or 30
        if not self.names:
            return read(session, self.instance, None, days), []
        hubs = followed(session, self.instance.hub, self.names)
        known = {written(hub) for hub in hubs}
        return read(session, self.instance, hubs, days), [name for name in self.names if name not in known]


class HalpView(RootWidgetView):
    """Shows the requests."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the requests by day, and the names that match no hub."""
        requests, unknown = GetRequests(instance)()
        shown = cut(requests, instance.config["limit"] or 10, page)
        return {
            "days": by_day(shown.items),
            "shown": shown,
            "unknown": unknown,
            "back": instance.config["days"] or 30,
        }
