"""New upstream versions of projects, as release monitoring finds them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from hubs.clients.anitya import Release
from hubs.errors import NeedsSetup, UpstreamError
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: Most projects, of which each is a request, and seconds after which no further one is sent.
PROJECTS, BUDGET = 12, 8.0
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def _few(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) > PROJECTS:
        raise ValueError(_("At most %(limit)d projects are possible.") % {"limit": PROJECTS})
    return rows


class Releases(Widget):
    """New upstream versions."""

    name = "releases"
    label = N_("Upstream releases")
    summary = N_("The newest upstream versions of projects that you package, from release monitoring (Anitya).")
    icon = "tag"
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
                    "name",
                    label=N_("Name"),
                    kind="package",
                    required=True,
                    help=N_("Its name in release monitoring, such as requests."),
                )
            ],
            validator=_few,
        ),
        Parameter("limit", label=N_("Projects shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


@dataclass(frozen=True)
class Versions:
    """The projects, last changed first; ``unknown`` are names that release monitoring does not know."""

    releases: tuple[Release, ...]
    unknown: tuple[str, ...] = ()
    is_complete: bool = True


class GetReleases(CachedFunction):
    """Asks release monitoring."""

    @property
    def names(self) -> list[str]:
        """The names in the settings."""
        return list(dict.fromkeys(row["name"] for row in self.instance.config["projects"] or ()))

    def interests(self) -> list[Interest]:
        """Match messages about new versions of the projects."""
        return [Interest(("anitya.project",), "project", f"anitya:{name}".lower()) for name in self.names]

    def execute(self) -> Versions:
        """Return the projects.

        :raises NeedsSetup: when none is named.
        :raises UpstreamError: when release monitoring does not answer.
        """
        if not self.names:
            raise NeedsSetup(_("Which projects? An owner can name them in this widget's settings."))
        releases: list[Release] = []
        unknown: list[str] = []
        is_complete, deadline = True, time.monotonic() + BUDGET
        for name in self.names:
            if time.monotonic() > deadline:
                is_complete = False
                break
            try:
                same = self.clients.anitya.releases(name)
            except UpstreamError:
                if not releases:
                    raise
                is_complete = False
                break
            releases += same
            unknown += [] if same else [name]
        releases.sort(key=lambda release: release.updated or _LONG_AGO, reverse=True)
        return Versions(tuple(releases), tuple(unknown), is_complete)


class ReleasesView(RootWidgetView):
    """Shows the versions."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the projects to show."""
        result = GetReleases(instance)()
        return {"shown": cut(result.releases, instance.config["limit"] or 8, page), "result": result}
