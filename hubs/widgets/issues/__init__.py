"""Open issues of a project, or of the accounts of a hub: how many, how many unassigned, which changed lately.

Where messages tell, also how many were closed.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.pictures import sparkline
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.closed import Closed, closed_issues
from hubs.widgets.shared.trackers import ISSUE_TOPICS, PROJECT, TrackerTickets, ask, interests, is_by, sources
from hubs.widgets.view import RootWidgetView


class Issues(Widget):
    """Open issues."""

    name = "issues"
    label = N_("Issues")
    summary = N_(
        "Open issues on Pagure, Forgejo, GitHub, GitLab or Bugzilla: unassigned ones, and what changed lately."
    )
    icon = "bug"
    position = "any"
    lifetime = 3600
    parameters: ClassVar = [
        PROJECT,
        Parameter("unassigned", label=N_("Only unassigned issues"), default=False, kind="switch"),
        Parameter("limit", label=N_("Issues shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetIssues(CachedFunction):
    """Asks the trackers."""

    def interests(self) -> list[Interest]:
        """Match messages about issues of the project, or of the accounts."""
        return list(interests(self.instance, ISSUE_TOPICS))

    def execute(self) -> TrackerTickets:
        """Return the open issues; raises the same errors as `hubs.widgets.shared.trackers.ask`."""
        return ask(self.instance, self.clients, "issues", tuple(ISSUE_TOPICS))


class CountClosed(CachedFunction):
    """Counts what was closed lately."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match nothing: what closes an issue also changes the open ones."""
        return []

    def execute(self) -> Closed | None:
        """Return the closed issues per day of the projects; None where that is not known."""
        return closed_issues(self.instance, sources(self.instance, ISSUE_TOPICS))


class IssuesView(RootWidgetView):
    """Shows the issues."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the issues to show, counts, a drawing, and the project, whose name is then left out of each line."""
        result = GetIssues(instance)()
        items = result.tickets.items
        unassigned = [ticket for ticket in items if not ticket.assignees]
        selected = unassigned if instance.config["unassigned"] else items
        closed = None if page else CountClosed(instance)()
        return {
            "tickets": cut(selected, instance.config["limit"] or 8, page),
            "mine": {ticket for ticket in items if is_by(ticket, result.accounts)},
            "result": result,
            "closed": closed,
            "line": sparkline.draw(closed.days, 160, 40) if closed else None,
            "unassigned": len(unassigned),
            "project": instance.config["project"],
        }
