"""Tasks for newcomers: open issues with labels such as “good first issue”, of projects on any forges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hubs.clients.forges.tickets import Ticket, Tickets, listed
from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.trackers import ISSUE_TOPICS, KEPT, TITLES, Source, ask_each, interests_in, on_behalf_of
from hubs.widgets.view import RootWidgetView

#: Forges whose issues have labels.
FORGES = ("forgejo", "github", "gitlab", "pagure")
#: Most projects and labels: there is a request for each of both.
PROJECTS, LABELS = 6, 4
#: Seconds after which no further project is asked.
BUDGET = 8.0


def _few_projects(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) > PROJECTS:
        raise ValueError(_("At most %(limit)d projects are possible.") % {"limit": PROJECTS})
    if any(row["project"].partition(":")[0] not in FORGES for row in rows):
        raise ValueError(_("Only issues on Forgejo, GitHub, GitLab and Pagure have labels."))
    return rows


def _few_labels(text: str) -> str:
    labels = names(text)
    if len(labels) > LABELS:
        raise ValueError(_("At most %(limit)d labels are possible.") % {"limit": LABELS})
    return ", ".join(labels)


def names(text: str) -> list[str]:
    """Return the labels in a text that separates them with commas."""
    return list(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))


class Tasks(Widget):
    """Issues to begin with."""

    name = "tasks"
    label = N_("Open tasks")
    summary = N_("Issues that wait for a helping hand: those with labels such as “good first issue”, on any forges.")
    icon = "hand-helping"
    position = "any"
    lifetime = 6 * 3600
    parameters: ClassVar = [
        Parameter(
            "projects",
            label=N_("Projects"),
            default=[],
            kind="rows",
            fields=[
                Parameter(
                    "project",
                    label=N_("Project"),
                    kind="project",
                    required=True,
                    help=N_("Such as github:owner/name, gitlab:host/group, forgejo:host/owner or pagure:name."),
                )
            ],
            validator=_few_projects,
        ),
        Parameter(
            "labels",
            label=N_("Labels"),
            default="good first issue, help wanted",
            help=N_("Separated by commas. An issue with any of them is listed. Tags of Pagure count as labels."),
            validator=_few_labels,
        ),
        Parameter("unassigned", label=N_("Only unassigned issues"), default=True, kind="switch"),
        Parameter("limit", label=N_("Issues shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


@dataclass(frozen=True)
class OpenTasks:
    """Issues, last changed first; ``failures`` maps each project without an answer to the reason."""

    tickets: Tickets
    failures: Mapping[str, str]


class GetTasks(CachedFunction):
    """Asks the forges."""

    @property
    def sources(self) -> list[Source]:
        """The projects in the settings."""
        named = [row["project"].partition(":") for row in self.instance.config["projects"] or ()]
        return [Source(forge, path) for forge, _colon, path in named if forge in FORGES]

    def interests(self) -> list[Interest]:
        """Match messages about issues of the projects, and the hub's settings for its keys."""
        return list(interests_in(self.instance, self.sources, ISSUE_TOPICS))

    def execute(self) -> OpenTasks:
        """Return the open issues with one of the labels.

        :raises NeedsSetup: when no project or no label is named.
        :raises UpstreamError: when no forge answers.
        """
        labels, sources = names(self.instance.config["labels"] or ""), self.sources
        if not sources or not labels:
            raise NeedsSetup(_("Which projects, and which labels? An owner can name them in this widget's settings."))
        named = {source: f"{TITLES[source.forge]} ({source.name})" for source in sources}
        answers, failures = ask_each(named, lambda source: self._ask(source, labels), BUDGET)
        tickets = listed(ticket for answer in answers for ticket in answer.items)
        total = min(tickets.total, KEPT)
        return OpenTasks(Tickets(tickets.items[:KEPT], total, any(answer.least for answer in answers)), failures)

    def _ask(self, source: Source, labels: list[str]) -> Iterator[Tickets]:
        client, more = getattr(self.clients, source.forge), on_behalf_of(self.instance, source)
        for label in labels:
            yield client.issues(source.name, label=label, **more)


def shown(row: Row, tasks: OpenTasks) -> list[Ticket]:
    """Return the issues that the widget shows, in the order of their last change."""
    return [ticket for ticket in tasks.tickets.items if not (row.config["unassigned"] and ticket.assignees)]


class TasksView(RootWidgetView):
    """Shows the issues."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the issues to show, and the labels."""
        tasks = GetTasks(instance)()
        return {
            "tickets": cut(shown(instance, tasks), instance.config["limit"] or 8, page),
            "failures_by_project": tasks.failures,
            "labels": names(instance.config["labels"] or ""),
        }
