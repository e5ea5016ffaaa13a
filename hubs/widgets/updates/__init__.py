"""A person's updates in testing: those that can be pushed to stable, and what the others wait for."""

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
    #: Days in testing pass without a message.
    lifetime = 6 * 3600
    parameters: ClassVar = [
        PERSON,
        Parameter("limit", label=N_("Updates shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetUpdates(CachedFunction):
    """Asks Bodhi."""

    def interests(self) -> list[Interest]:
        """Return: messages about updates that name the person."""
        name = person_of(self.instance)
        return [Interest(("bodhi.update",), "user", name)] if name else []

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the update is the person's own, as far as the message says whose it is."""
        owner = _owner(message["msg"])
        return not owner or owner.lower() == person_of(self.instance).lower()

    def execute(self) -> list[Update]:
        """Return the updates, ready ones first.

        :raises NeedsSetup: where no person is named.
        """
        return self.clients.bodhi.in_testing(required_person(self.instance))


class UpdatesView(RootWidgetView):
    """Shows the updates."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the updates to show, and how many are ready."""
        found = GetUpdates(instance)()
        shown = cut(found, instance.config["limit"] or 8, page)
        ready = sum(update.ready for update in found)
        return {"shown": shown, "ready": ready, "total": len(found), "username": required_person(instance)}


def _owner(body: Mapping[str, Any]) -> str:
    """Return who submitted the update that a message is about; newer messages call it user, older ones submitter."""
    update = body.get("update")
    if not isinstance(update, Mapping):
        return ""
    for name in ("user", "submitter"):
        found = update.get(name)
        if isinstance(found, Mapping):
            found = found.get("name")
        if isinstance(found, str) and found:
            return found
    return ""
