"""Open pull requests of a project or of a hub's accounts: those waiting for a review, and the hub's own."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.forges.tickets import Ticket
from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.trackers import PROJECT, TrackerTickets, ask, interests
from hubs.widgets.view import RootWidgetView

#: Messages about pull requests, by forge. Reviews count, since they change which requests wait for one.
TOPICS = {
    "pagure": ("pagure.pull-request",),
    "github": ("github.pull_request", "github.pull_request_review"),
    "gitlab": ("gitlab.merge_request", "gitlab.note"),
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
    summary = N_("Open pull requests on Pagure, Forgejo, GitHub or GitLab: which wait for a review, which are mine.")
    icon = "branch"
    position = "any"
    lifetime = 3600
    parameters: ClassVar = [
        PROJECT,
        Parameter("limit", label=N_("Pull requests shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetPullRequests(CachedFunction):
    """Asks the trackers."""

    def interests(self) -> list[Interest]:
        """Match messages about pull requests of the project, or of the accounts."""
        return list(interests(self.instance, TOPICS))

    def execute(self) -> TrackerTickets:
        """Return the open pull requests; raises the same errors as `hubs.widgets.shared.trackers.ask`."""
        return ask(self.instance, self.clients, "pulls", tuple(TOPICS))


class PullRequestsView(RootWidgetView):
    """Shows the pull requests."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the pull requests that wait for a review, then the hub's own."""
        result = GetPullRequests(instance)()
        waiting, mine = _sorted(result)
        shown = cut([*waiting, *mine], instance.config["limit"] or 8, page)
        return {
            "shown": shown,
            "waiting": [ticket for ticket in shown.items if ticket in waiting],
            "mine": [ticket for ticket in shown.items if ticket in mine],
            "result": result,
            "project": instance.config["project"],
        }


def _sorted(result: TrackerTickets) -> tuple[list[Ticket], list[Ticket]]:
    """Split the requests into those that wait for a review (no drafts), and those filed by the hub's accounts."""
    items = result.tickets.items
    mine = [ticket for ticket in items if ticket.author.lower() in result.accounts]
    return [ticket for ticket in items if ticket not in mine and not ticket.draft], mine
