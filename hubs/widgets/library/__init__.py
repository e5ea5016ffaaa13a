"""Pinned links."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Library(Widget):
    """Links worth keeping."""

    name = "library"
    label = N_("Library")
    summary = N_("Links worth keeping, each with a note.")
    icon = "library"
    position = "any"
    parameters: ClassVar = [
        Parameter(
            "items",
            label=N_("Links"),
            default=[],
            kind="rows",
            fields=[
                Parameter("title", label=N_("Title"), required=True),
                Parameter("link", label=N_("Link"), kind="url", required=True),
                Parameter("note", label=N_("Note")),
            ],
        ),
        Parameter("per_page", label=N_("Links shown"), default=10, kind="number", minimum=1, maximum=100),
    ]


class LibraryView(RootWidgetView):
    """Shows the links."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the links shown at once, and those behind a switch."""
        items, shown = list(instance.config["items"] or ()), instance.config["per_page"] or 10
        return {"shown": items[:shown], "rest": items[shown:]}
