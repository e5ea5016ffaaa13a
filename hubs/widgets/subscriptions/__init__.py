"""The hubs that a person belongs to, subscribes to, and stars."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from hubs.i18n import N_
from hubs.models import Hub, Role, RoleName, User, Visibility
from hubs.models import Widget as Row
from hubs.models.idle import grade
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Subscriptions(Widget):
    """A person's hubs."""

    name = "subscriptions"
    label = N_("Hubs")
    summary = N_("The hubs that a person belongs to and subscribes to.")
    icon = "subscriptions"
    parameters: ClassVar = [
        Parameter(
            "username", label=N_("Person"), default="", kind="username", help=N_("Empty means this hub's person.")
        )
    ]


@dataclass(frozen=True)
class Listed:
    """One hub in a list; ``idle`` is its grade of idleness."""

    kind: str
    name: str
    title: str
    idle: str


class GetHubs(CachedFunction):
    """Reads the hubs of a person."""

    stored = False

    @property
    def username(self) -> str:
        """The person whose hubs are listed."""
        return self.instance.config["username"] or self.instance.hub.name

    def interests(self) -> list[Interest]:
        """Match role changes of this person."""
        return [Interest(("hubs.user.role",), "user", self.username)]

    def execute(self) -> dict[str, list[Listed]]:
        """Return the lists by heading; only public hubs, and none that are archived."""
        query = (
            select(Hub, Role.role)
            .join(Role, Role.hub_id == Hub.id)
            .join(User, User.id == Role.user_id)
            .where(User.username == self.username, Hub.archived.is_(False), Hub.visibility == Visibility.PUBLIC)
            .order_by(Hub.name)
        )
        rows = session_of(self.instance).execute(query).all()
        headings = {
            N_("Belongs to"): (RoleName.OWNER, RoleName.MEMBER),
            N_("Subscribes to"): (RoleName.SUBSCRIBER,),
            N_("Stars"): (RoleName.STARGAZER,),
        }
        lists = {}
        for heading, roles in headings.items():
            hubs = {hub.id: hub for hub, role in rows if role in roles and hub.name != self.username}
            lists[heading] = [Listed(hub.kind, hub.name, hub.title, grade(hub.last_activity)) for hub in hubs.values()]
        return lists


class SubscriptionsView(RootWidgetView):
    """Shows the lists."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the lists that are not empty."""
        return {"lists": {heading: hubs for heading, hubs in GetHubs(instance)().items() if hubs}}
