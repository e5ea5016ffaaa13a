"""A person's updates in testing: those that can be pushed to stable, and what the others still need."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.bodhi import Update
from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.person import PERSON, person_of, required_person
from hubs.widgets.view import RootWidgetView


class Updates(Widget):
    """Updates that can be pushed."""

    name = "updates"
    label = N_("Updates to stable")
    summary = N_("A person's package updates in testing: those that can be pushed to stable come first.")
    icon = "package"
    position = "any"
    services = ("bodhi_url",)
    #: Days in testing pass without a message.
    lifetime = 6 * 3600
    parameters: ClassVar = [
        PERSON,
        Parameter("limit", label=N_("Updates shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetUpdates(CachedFunction):
    """Queries Bodhi."""

    def interests(self) -> list[Interest]:
        """Match messages about updates that name the person."""
        name = person_of(self.instance)
        return [Interest(("bodhi.update",), "user", name)] if name else []

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the update is the person's own, or the message does not say."""
        owner = _owner(message["msg"])
        return not owner or owner.lower() == person_of(self.instance).lower()

    def execute(self) -> list[Update]:
        """Return the updates, ready ones first.

        :raises NeedsSetup: if no person is named.
        """
        return self.clients.bodhi.in_testing(required_person(self.instance))


class UpdatesView(RootWidgetView):
    """Shows the updates."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the updates to show, and how many are ready."""
        updates = GetUpdates(instance)()
        shown = cut(updates, instance.config["limit"] or 8, page)
        ready = sum(update.ready for update in updates)
        return {"shown": shown, "ready": ready, "total": len(updates), "username": required_person(instance)}


def _owner(body: Mapping[str, Any]) -> str:
    """Return the submitter of the update in a message: ``user`` in current messages, ``submitter`` in older ones."""
    update = body.get("update")
    if not isinstance(update, Mapping):
        return ""
    for name in ("user", "submitter"):
        owner = update.get(name)
        if isinstance(owner, Mapping):
            owner = owner.get("name")
        if isinstance(owner, str) and owner:
            return owner
    return ""
