"""A notice that the hub has been idle for a long time; hidden otherwise."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from hubs.i18n import N_
from hubs.models import Hub, now
from hubs.models import Widget as Row
from hubs.models.idle import IDLE_AFTER_DAYS
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.view import RootWidgetView


class Cobwebs(Widget):
    """Says that a hub is idle or archived."""

    name = "cobwebs"
    label = N_("Cobwebs")
    summary = N_("Shown when the hub has been quiet for a month or is archived; hidden otherwise.")
    icon = "cobwebs"
    lifetime = 24 * 3600


class GetActivity(CachedFunction):
    """Reads when something last happened."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match messages that name the hub's people, and changes of the hub."""
        hub = self.instance.hub
        people = Interest(("*",), "user", hub.name) if hub.kind == "user" else Interest(("*",), "team", str(hub.id))
        return [people, Interest(("hubs.hub",), "hub", str(hub.id))]

    def execute(self) -> tuple[bool, datetime | None]:
        """Return whether the hub is archived, and when it was last active (or created)."""
        query = select(Hub.archived, Hub.last_activity, Hub.created_on).where(Hub.id == self.instance.hub.id)
        archived, last, created_on = session_of(self.instance).execute(query).one()
        return archived, last or created_on


class CobwebsView(RootWidgetView):
    """Shows the notice."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any] | None:
        """Return the notice, or None while the hub is alive."""
        archived, last = GetActivity(instance)()
        days = (now() - last).days if last else 0
        if not archived and days <= IDLE_AFTER_DAYS:
            return None
        return {"archived": archived, "last": last, "days": days}
