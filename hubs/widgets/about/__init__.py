"""A text about a person or a team."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class About(Widget):
    """A text of the owner's."""

    name = "about"
    label = N_("About")
    summary = N_("A text about the person or the team, with links and lists.")
    icon = "about"
    position = "any"
    parameters: ClassVar = [
        Parameter(
            "text",
            label=N_("Text"),
            default="",
            kind="markdown",
            help=N_("Markdown: **bold**, *italic*, [link](https://…), - lists."),
        )
    ]


class AboutView(RootWidgetView):
    """Shows the text."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the text."""
        return {"text": instance.config["text"] or ""}
