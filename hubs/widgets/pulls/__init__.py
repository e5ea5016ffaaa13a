"""Open pull requests of a project, or of the accounts of a hub: which wait for a review, which are mine."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.forges.tickets import Ticket
from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.trackers import PROJECT, Found, ask, interests
from hubs.widgets.view import RootWidgetView

#: Messages about pull requests, by forge. A review changes what waits for one.
TOPICS = {
    "pagure": ("pagure.pull-request",),
    "github": ("github.pull_request", "github.pull_request_review"),
    "forgejo": (
        "forgejo.pull_request",
        "forgejo.pull_request_approved",
        "forgejo.pull_request_assign",
        "forgejo.pull_request_comment",
        "forgejo.pull_request_label",
        "forgejo.pull_request_rejected",
        "forgejo.pull_request_review_request",
        "forgejo.pull_request_sync",
    ),
}


class PullRequests(Widget):
    """Open pull requests."""

    name = "pulls"
    label = N_("Pull requests")
    summary = N_("Open pull requests on Pagure, Forgejo or GitHub: which wait for a review, which are mine.")
    icon = "branch"
    lifetime = 3600
    parameters: ClassVar = [
        PROJECT,
        Parameter("limit", label=N_("Pull requests shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetPullRequests(CachedFunction):
    """Asks the trackers."""

    def interests(self) -> list[Interest]:
        """Return: messages about pull requests of the project, or of the accounts."""
        return list(interests(self.instance, TOPICS))

    def execute(self) -> Found:
        """Return the open pull requests; raises as `hubs.widgets.shared.trackers.ask`."""
        return ask(self.instance, self.clients, "pulls", tuple(TOPICS))


class PullRequestsView(RootWidgetView):
    """Shows the pull requests."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return those that wait for a review, then the hub's own."""
        found = GetPullRequests(instance)()
        waiting, mine = _sorted(found)
        shown = cut([*waiting, *mine], instance.config["limit"] or 8, page)
        return {
            "shown": shown,
            "waiting": [ticket for ticket in shown.items if ticket in waiting],
            "mine": [ticket for ticket in shown.items if ticket in mine],
            "found": found,
            "project": instance.config["project"],
        }


def _sorted(found: Found) -> tuple[list[Ticket], list[Ticket]]:
    """Tell what waits for a review from what the hub's own accounts filed; a draft waits for none."""
    items = found.tickets.items
    mine = [ticket for ticket in items if ticket.author.lower() in found.accounts]
    return [ticket for ticket in items if ticket not in mine and not ticket.draft], mine
