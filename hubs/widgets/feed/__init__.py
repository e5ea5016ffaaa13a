"""Recent activity of people, one line per message or group of messages."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.feed.cards import Item, read
from hubs.widgets.feed.groups import by_day, grouped
from hubs.widgets.paging import Shown, no_such_page, span
from hubs.widgets.parameters import Parameter
from hubs.widgets.shared.messages import MESSAGE_SCOPE, MessageScope
from hubs.widgets.view import RootWidgetView


class Feed(Widget):
    """News from the bus."""

    name = "feed"
    label = N_("Feed")
    summary = N_("What the person or the team did lately, as it happens.")
    icon = "feed"
    position = "any"
    shows_activity = True
    parameters: ClassVar = [
        MESSAGE_SCOPE,
        Parameter("limit", label=N_("Messages shown"), default=30, kind="number", minimum=1, maximum=100),
        Parameter(
            "hide",
            label=N_("Hidden categories"),
            default="",
            help=N_("Comma-separated, for example: buildsys, fedbadges"),
        ),
    ]


class GetItems(CachedFunction):
    """Reads the newest messages, and one more to know whether others follow."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match any message that names one of the people shown."""
        return MessageScope.of(self.instance).interests()

    def execute(self) -> list[Item]:
        """Return messages, newest first."""
        return self.read(0, self.instance.config["limit"] or 30)

    def read(self, start: int, size: int) -> list[Item]:
        """Return ``size`` messages beginning with number ``start``, and the next one if there is one."""
        hidden = [word.strip() for word in (self.instance.config["hide"] or "").split(",") if word.strip()]
        return read(session_of(self.instance), MessageScope.of(self.instance), size + 1, hidden, start)


class FeedView(RootWidgetView):
    """Shows the lines."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the lines by day."""
        start, size = span(instance.config["limit"] or 30, page)
        items = GetItems(instance).read(start, size) if page else GetItems(instance)()
        if page > 1 and not items:
            raise no_such_page()
        shown = Shown(items[:size], page, len(items) > size)
        lines = list(by_day(grouped(shown.items)))
        return {"lines": lines, "shown": shown, "whose": MessageScope.of(instance).title()}
