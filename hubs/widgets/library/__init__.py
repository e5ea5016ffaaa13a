"""Pinned links."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Library(Widget):
    """Links worth keeping."""

    name = "library"
    summary = "Links worth keeping, each with a note."
    icon = "library"
    parameters: ClassVar = [
        Parameter(
            "items",
            label="Links",
            default=[],
            kind="rows",
            fields=[
                Parameter("title", required=True),
                Parameter("link", kind="url", required=True),
                Parameter("note"),
            ],
        ),
        Parameter("per_page", label="Links shown", default=10, kind="number", minimum=1, maximum=100),
    ]


class LibraryView(RootWidgetView):
    """Shows the links."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the links shown at once, and those behind a switch."""
        items, shown = list(instance.config["items"] or ()), instance.config["per_page"] or 10
        return {"shown": items[:shown], "rest": items[shown:]}
