"""What people did lately, as cards."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.feed.cards import Card, grouped, read
from hubs.widgets.messages import WHOSE, Whose, session_of
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Feed(Widget):
    """News cards from the bus."""

    name = "feed"
    summary = "What the person or the team did lately, as it happens."
    icon = "feed"
    parameters: ClassVar = [
        WHOSE,
        Parameter("limit", label="Messages shown", default=30, kind="number", minimum=1, maximum=100),
        Parameter(
            "hide", label="Hidden categories", default="", help="Comma-separated, for example: buildsys, fedbadges"
        ),
    ]


class GetCards(CachedFunction):
    """Reads the newest messages and groups them."""

    stored = False

    def interests(self) -> list[Interest]:
        """Return: any message that names one of them."""
        return Whose.of(self.instance).interests()

    def execute(self) -> list[Card]:
        """Return cards, newest first."""
        config = self.instance.config
        hidden = [word.strip() for word in (config["hide"] or "").split(",") if word.strip()]
        return grouped(read(session_of(self.instance), Whose.of(self.instance), config["limit"] or 30, hidden))


class FeedView(RootWidgetView):
    """Shows the cards."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the cards by day."""
        days: dict[str, list[Card]] = {}
        for card in GetCards(instance)():
            days.setdefault(card.newest.sent_at.date().isoformat(), []).append(card)
        return {"days": days, "whose": Whose.of(instance).title()}
