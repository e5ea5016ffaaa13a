"""A pinned note."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

_CHOICES = (
    ("yellow", N_("Yellow")),
    ("green", N_("Green")),
    ("blue", N_("Blue")),
    ("pink", N_("Pink")),
    ("purple", N_("Purple")),
)
COLOURS = tuple(name for name, _label in _CHOICES)


class Sticky(Widget):
    """A note that everybody should see."""

    name = "sticky"
    label = N_("Sticky note")
    summary = N_("A pinned note in one of five colours.")
    icon = "sticky"
    position = "any"
    parameters: ClassVar = [
        Parameter(
            "text", label=N_("Text"), default="", kind="markdown", help=N_("What everybody should see. Markdown.")
        ),
        Parameter(
            "colour",
            label=N_("Colour"),
            default="yellow",
            kind="choice",
            choices=_CHOICES,
        ),
    ]


class StickyView(RootWidgetView):
    """Shows the note."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return text and colour."""
        colour = instance.config["colour"]
        return {"text": instance.config["text"] or "", "colour": colour if colour in COLOURS else COLOURS[0]}
