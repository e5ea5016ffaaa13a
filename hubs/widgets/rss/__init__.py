"""The latest entries of a feed."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.feeds import Feed
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class RSS(Widget):
    """Entries of a feed."""

    name = "rss"
    label = N_("News from elsewhere")
    summary = N_("The latest entries of any RSS or Atom feed.")
    icon = "rss"
    position = "any"
    lifetime = 1800
    parameters: ClassVar = [
        Parameter(
            "url",
            label=N_("Address"),
            default="",
            kind="url",
            required=True,
            help=N_("The address of an RSS or Atom feed on a public web server. Many sites link theirs at the bottom."),
        ),
        Parameter("count", label=N_("Entries shown"), default=5, kind="number", minimum=1, maximum=50),
    ]


class GetFeed(CachedFunction):
    """Reads the feed."""

    def interests(self) -> list[Interest]:
        """Match nothing: feeds send no messages, so only time makes it stale."""
        return []

    def execute(self) -> Feed:
        """Return the feed.

        :raises NeedsSetup: if there is no address, or it may not be read.
        """
        url = self.instance.config["url"]
        if not url:
            raise NeedsSetup(_("Which feed? An owner can write its address in this widget's settings."))
        try:
            return self.clients.feeds.read(url)
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None


class RSSView(RootWidgetView):
    """Shows the entries."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the feed, and its entries to show."""
        feed = GetFeed(instance)()
        return {"feed": feed, "shown": cut(feed.entries, instance.config["count"] or 5, page)}
