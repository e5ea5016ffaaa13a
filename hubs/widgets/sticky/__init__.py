"""A pinned note."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

COLOURS = ("yellow", "green", "blue", "pink", "purple")


class Sticky(Widget):
    """A note that everybody should see."""

    name = "sticky"
    label = "Sticky note"
    summary = "A pinned note in one of five colours."
    icon = "sticky"
    parameters: ClassVar = [
        Parameter("text", default="", kind="markdown", help="What everybody should see. Markdown."),
        Parameter("colour", default="yellow", kind="choice", choices=[(one, one.title()) for one in COLOURS]),
    ]


class StickyView(RootWidgetView):
    """Shows the note."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return text and colour."""
        colour = instance.config["colour"]
        return {"text": instance.config["text"] or "", "colour": colour if colour in COLOURS else COLOURS[0]}
