"""The latest topics of a category, a tag or a whole site on Discourse; on request only those without a solution."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.community.discourse import Topics, place
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.keys import key_for, settings_of_hub
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

#: Messages that change a list of topics; likes do not.
TOPICS = ("discourse.topic", "discourse.post", "discourse.solved")


class Discussions(Widget):
    """Topics on Discourse."""

    name = "discourse"
    label = N_("Discussions")
    summary = N_("The latest topics of a category or a tag on Discourse; on request only those without a solution.")
    icon = "message-square"
    position = "any"
    lifetime = 1800
    parameters: ClassVar = [
        Parameter(
            "address",
            label=N_("Address"),
            default="",
            kind="url",
            help=N_("The address of a category, a tag or the start page of a Discourse, as your browser shows it."),
        ),
        Parameter(
            "unsolved",
            label=N_("Only topics without a solution"),
            default=False,
            kind="switch",
            help=N_("For sites where one answer can be marked as the solution."),
        ),
        Parameter("limit", label=N_("Topics shown"), default=6, kind="number", minimum=1, maximum=30),
    ]


class GetTopics(CachedFunction):
    """Asks Discourse."""

    def interests(self) -> list[Interest]:
        """Match messages about topics of the category, the tag or the site, and the hub's settings for its keys."""
        where = place(str(self.instance.config["address"]))
        if where is None:
            return []
        return [Interest(TOPICS, "project", where.subject), settings_of_hub(self.instance)]

    def execute(self) -> Topics:
        """Return the topics.

        :raises NeedsSetup: when no list is named, or its address may not be read.
        :raises UpstreamError: when there is no usable response.
        """
        config = self.instance.config
        if not config["address"]:
            raise NeedsSetup(
                _("Which topics? An owner can write the address of a category or a tag in this widget's settings.")
            )
        where = place(str(config["address"]))
        if where is None:
            raise NeedsSetup(
                _(
                    "This is not the address of a category or a tag on Discourse, which contains /c/ or /tag/. "
                    "An owner can correct it in this widget's settings."
                )
            )
        key = key_for(self.instance, str(config["address"]))
        try:
            return self.clients.discourse.topics(where, bool(config["unsolved"]), f"hub:{self.instance.hub_id}", key)
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None


class DiscussionsView(RootWidgetView):
    """Shows the topics."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the topics to show, and the address of their list."""
        topics = GetTopics(instance)()
        return {
            "topics": cut(topics.items, instance.config["limit"] or 6, page),
            "list": topics.page,
            "unsolved": bool(instance.config["unsolved"]),
        }
