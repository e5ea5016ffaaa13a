"""The number of members, subscribers and stars of a hub."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from hubs.i18n import N_, ngettext
from hubs.models import Role, RoleName
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.view import RootWidgetView


class Stats(Widget):
    """Members, subscribers and stars."""

    name = "stats"
    label = N_("People")
    summary = N_("How many members, subscribers and stars the hub has.")
    icon = "stats"
    position = "any"


class CountPeople(CachedFunction):
    """Counts people by role."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match role changes of this hub."""
        return [Interest(("hubs.user.role",), "hub", str(self.instance.hub.id))]

    def execute(self) -> dict[str, int]:
        """Return the number of people by role; owners count as members."""
        query = select(Role.role, Role.user_id).where(Role.hub_id == self.instance.hub.id)
        people: dict[RoleName, set[int]] = {role: set() for role in RoleName}
        for role, user in session_of(self.instance).execute(query):
            people[role].add(user)
        people[RoleName.MEMBER] |= people[RoleName.OWNER]
        return {role.value: len(users) for role, users in people.items()}


class StatsView(RootWidgetView):
    """Shows the numbers."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return (number, word) pairs; a person's hub has no members."""
        counts = CountPeople(instance)()
        subscribers, stars, members = counts["subscriber"], counts["stargazer"], counts["member"]
        shown = [
            (subscribers, ngettext("subscriber", "subscribers", subscribers)),
            (stars, ngettext("star", "stars", stars)),
        ]
        if instance.hub.kind != "user":
            shown.insert(0, (members, ngettext("member", "members", members)))
        return {"figures": shown}
