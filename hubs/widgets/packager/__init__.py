"""What needs attention in the packages of a person or a group, as Fedora's packager dashboard collects it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hubs.clients import packager
from hubs.clients.packager import Dashboard
from hubs.errors import NeedsSetup
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.person import PERSON, person_of
from hubs.widgets.view import RootWidgetView

_GROUP = re.compile(r"@?([A-Za-z0-9][A-Za-z0-9._-]{0,63})")


def _group(text: str) -> str:
    """Return the name of a group, without the sign before it in lists of package maintainers."""
    match = _GROUP.fullmatch(text)
    if text and match is None:
        raise ValueError(_("A group's name has letters, digits and . _ - only, at most 64."))
    return match[1] if match else ""


class Packager(Widget):
    """Work on packages."""

    name = "packager"
    label = N_("Work on packages")
    summary = N_(
        "What needs attention in the packages of a person or a group, from the packager dashboard: failed builds, "
        "bugs, pull requests, updates."
    )
    icon = "wrench"
    position = "any"
    services = ("packager_dashboard_url",)
    #: The dashboard renews its own data at intervals, and counts a request as a visit.
    lifetime = 3600
    parameters: ClassVar = [
        PERSON,
        Parameter(
            "group",
            label=N_("Group"),
            default="",
            help=N_("A group that maintains packages, such as python-packagers-sig, instead of a person."),
            validator=_group,
        ),
        Parameter("limit", label=N_("Entries shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


@dataclass(frozen=True)
class Look:
    """How a kind of entry is shown: a label, and the tone and icon of its state."""

    label: str
    tone: str
    icon: str


#: By kind of entry.
LOOKS: Mapping[str, Look] = {
    packager.ORPHANED: Look(N_("orphaned"), "bad", "user-minus"),
    packager.AFFECTED: Look(N_("needs orphaned packages"), "bad", "user-minus"),
    packager.BUILD: Look(N_("fails to build"), "bad", "hammer"),
    packager.INSTALL: Look(N_("fails to install"), "bad", "circle-x"),
    packager.URGENT: Look(N_("urgent bug"), "bad", "bug"),
    packager.PULL: Look(N_("pull request"), "busy", "branch"),
    packager.OVERRIDE: Look(N_("override"), "busy", "alarm-clock"),
    packager.UPDATE: Look(N_("update"), "busy", "package"),
    packager.BUG: Look(N_("bug"), "soft", "bug"),
}


class GetDashboard(CachedFunction):
    """Queries the packager dashboard."""

    @property
    def subject(self) -> dict[str, str]:
        """The group in the settings, else the person; empty if neither settings nor hub name one."""
        if group := self.instance.config["group"]:
            return {"group": group}
        name = person_of(self.instance)
        return {"user": name} if name else {}

    def interests(self) -> list[Interest]:
        """Match messages that name the person: about bugs, pull requests and updates."""
        name = self.subject.get("user")
        return [Interest(("bodhi.update", "bugzilla.bug", "pagure.pull-request"), "user", name)] if name else []

    def execute(self) -> Dashboard:
        """Return the dashboard.

        :raises NeedsSetup: when neither a person nor a group is named.
        :raises UpstreamError: when there is no usable response.
        """
        if not self.subject:
            raise NeedsSetup(_("Whose packages? An owner can name a person or a group in this widget's settings."))
        return self.clients.packager.read(**self.subject)


class PackagerView(RootWidgetView):
    """Shows the entries."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the entries to show, their figures, and whose they are."""
        function = GetDashboard(instance)
        dashboard = function()
        return {
            "dashboard": dashboard,
            "shown": cut(dashboard.items, instance.config["limit"] or 8, page),
            "failing": dashboard.count(packager.BUILD, packager.INSTALL),
            "bugs": dashboard.count(packager.URGENT, packager.BUG),
            "pulls": dashboard.count(packager.PULL),
            "looks": LOOKS,
            "whose": next(iter(function.subject.values())),
        }
