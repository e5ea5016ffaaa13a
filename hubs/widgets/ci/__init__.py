"""Continuous integration: whether the checks of the newest commit on a branch of some projects have passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hubs.clients.forges.checks import FAILED, PASSED, RUNNING, SKIPPED, Checks
from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.trackers import TITLES, Source, ask_each, interests_in, on_behalf_of
from hubs.widgets.view import RootWidgetView

#: Messages after which checks begin or end, by forge.
TOPICS = {
    "forgejo": (
        "forgejo.push",
        "forgejo.status",
        "forgejo.action_run_failure",
        "forgejo.action_run_recover",
        "forgejo.action_run_success",
        "forgejo.workflow_job",
        "forgejo.workflow_run",
    ),
    "github": ("github.check_run", "github.check_suite", "github.push", "github.status", "github.workflow_run"),
    "gitlab": ("gitlab.build", "gitlab.job", "gitlab.pipeline", "gitlab.push"),
}
#: Most projects, and seconds after which no further request is sent.
PROJECTS, BUDGET = 8, 8.0
#: The form of each state on the page: tone, icon and label.
LOOKS = {
    FAILED: ("bad", "cross", N_("failed")),
    RUNNING: ("busy", "clock", N_("running")),
    PASSED: ("good", "check", N_("passed")),
    SKIPPED: ("soft", "circle-dashed", N_("skipped")),
    "": ("soft", "circle-dashed", N_("no checks")),
}


def _known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) > PROJECTS:
        raise ValueError(_("At most %(limit)d projects are possible.") % {"limit": PROJECTS})
    for row in rows:
        forge, _colon, path = row["project"].partition(":")
        if forge not in TOPICS:
            raise ValueError(_("Only projects on Forgejo, GitHub and GitLab have checks."))
        if forge == "forgejo" and path.count("/") != 2:
            raise ValueError(_("Please write a project on Forgejo as forgejo:host/owner/name."))
    return rows


class CI(Widget):
    """Checks of branches."""

    name = "ci"
    label = N_("Checks")
    summary = N_(
        "Whether the checks of the newest commit have passed: Forgejo Actions, GitHub Actions, GitLab pipelines."
    )
    icon = "flask-conical"
    position = "any"
    lifetime = 900
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
                    help=N_("Such as github:owner/name, gitlab:host/group/name or forgejo:host/owner/name."),
                ),
                Parameter("branch", label=N_("Branch"), help=N_("Empty means main.")),
            ],
            validator=_known,
        ),
    ]


@dataclass(frozen=True)
class Branch:
    """A branch of a project with its checks."""

    project: str
    name: str
    checks: Checks


@dataclass(frozen=True)
class Results:
    """The branches in the order of the settings; ``failures`` maps each project without an answer to the reason."""

    branches: tuple[Branch, ...]
    failures: Mapping[str, str]


class GetChecks(CachedFunction):
    """Asks the forges."""

    @property
    def sources(self) -> list[tuple[Source, str]]:
        """The projects in the settings, each with its branch."""
        rows = [(row["project"].partition(":"), row["branch"]) for row in self.instance.config["projects"] or ()]
        return [(Source(forge, path), branch or "main") for (forge, _colon, path), branch in rows if forge in TOPICS]

    def interests(self) -> list[Interest]:
        """Match messages after which checks of the projects begin or end, and the hub's settings for its keys."""
        return list(interests_in(self.instance, [source for source, _branch in self.sources], TOPICS))

    def execute(self) -> Results:
        """Return the checks.

        :raises NeedsSetup: when no project is named.
        :raises UpstreamError: when no forge answers.
        """
        if not self.sources:
            raise NeedsSetup(_("Which projects? An owner can name them in this widget's settings."))
        named = {(source, branch): f"{TITLES[source.forge]} ({source.name})" for source, branch in self.sources}
        branches, failures = ask_each(named, lambda place: [self._ask(*place)], BUDGET)
        return Results(tuple(branches), failures)

    def _ask(self, source: Source, branch: str) -> Branch:
        client = getattr(self.clients, source.forge)
        return Branch(source.name, branch, client.checks(source.name, branch, **on_behalf_of(self.instance, source)))


class CIView(RootWidgetView):
    """Shows the branches and what has not passed."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the branches, and the form of each state."""
        results = GetChecks(instance)()
        return {
            "branches": results.branches,
            "has_checks": any(branch.checks.items for branch in results.branches),
            "failures_by_project": results.failures,
            "looks": LOOKS,
        }
