"""The rules of a community: its owners, its meetings, and links."""

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import select

from hubs.i18n import N_
from hubs.models import Role, RoleName, User
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Rules(Widget):
    """Community rules, owners and meetings."""

    name = "rules"
    label = N_("Community rules")
    summary = N_("The rules, the owners, and when the team meets.")
    icon = "rules"
    parameters: ClassVar = [
        Parameter("link", label=N_("Link to the rules"), default="", kind="url"),
        Parameter("schedule_text", label=N_("Meetings"), default="", help=N_("For example: Thursdays, 16:00 UTC.")),
        Parameter("schedule_link", label=N_("Link to the schedule"), default="", kind="url"),
        Parameter("minutes_link", label=N_("Link to the minutes"), default="", kind="url"),
    ]


class GetOwners(CachedFunction):
    """Reads the owners of the hub."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match role changes of this hub."""
        return [Interest(("hubs.user.role",), "hub", str(self.instance.hub.id))]

    def execute(self) -> list[tuple[str, str]]:
        """Return (username, name) pairs."""
        query = select(User).join(Role, Role.user_id == User.id).order_by(User.username)
        mine = query.where(Role.hub_id == self.instance.hub.id, Role.role == RoleName.OWNER)
        return [(user.username, user.name) for user in session_of(self.instance).scalars(mine)]


class RulesView(RootWidgetView):
    """Shows rules, owners and meetings."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the owners; the rest is in the settings."""
        return {"owners": GetOwners(instance)()}
