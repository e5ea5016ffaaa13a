"""A person's badges: the newest ones, their number, and the rarest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from hubs.clients.badges import Earned
from hubs.errors import UpstreamMissing
from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.person import PERSON, person_of, required_person
from hubs.widgets.view import RootWidgetView

#: Badges of one person that are kept; there are about 700 in all.
KEPT = 1000

#: Topics of earned badges: the current one, and the one of fedmsg.
TOPICS = ("badges.badge.award", "fedbadges.badge.award")


class Badges(Widget):
    """Earned badges."""

    name = "badges"
    label = N_("Badges")
    summary = N_("The newest badges of a person, how many there are, and the rarest.")
    icon = "badge"
    position = "any"
    services = ("badges_url",)
    lifetime = 24 * 3600
    parameters: ClassVar = [
        PERSON,
        Parameter("limit", label=N_("Badges shown"), default=10, kind="number", minimum=1, maximum=50),
    ]


class GetBadges(CachedFunction):
    """Asks Fedora Badges."""

    def interests(self) -> list[Interest]:
        """Match badges that are awarded to the person."""
        name = person_of(self.instance)
        return [Interest(TOPICS, "user", name)] if name else []

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the badge went to this person; the message may also name others, such as its author."""
        user = message["msg"].get("user")
        winner = user.get("username") if isinstance(user, Mapping) else None
        return isinstance(winner, str) and winner.lower() == person_of(self.instance).lower()

    def execute(self) -> Earned | None:
        """Return the badges; None for a person whom Fedora Badges does not know.

        :raises NeedsSetup: where no person is named.
        """
        try:
            earned = self.clients.badges.earned(required_person(self.instance))
        except UpstreamMissing:
            return None
        return replace(earned, badges=earned.badges[:KEPT])


class BadgesView(RootWidgetView):
    """Shows the badges."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the badges to show, the whole record, and the person's name."""
        earned = GetBadges(instance)()
        shown = cut(earned.badges if earned else (), instance.config["limit"] or 10, page)
        return {"earned": earned, "shown": shown, "username": required_person(instance)}
