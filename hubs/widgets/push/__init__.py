"""A widget filled by a program (build server, monitor, script) with ``PUT /api/v1/push/<widget id>``."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.i18n import N_
from hubs.models import PushContent
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest, session_of
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView

_SEVERITIES = [("none", N_("None")), ("good", N_("Good")), ("warning", N_("Warning")), ("bad", N_("Bad"))]
_SEVERITY = Parameter(
    "severity", label=N_("Severity"), kind="choice", default="none", choices=_SEVERITIES, help=N_("Status.")
)

#: The content that a program may send.
CONTENT = (
    Parameter("title", label=N_("Title"), help=N_("Heading, one line.")),
    _SEVERITY,
    Parameter("text", label=N_("Text"), kind="markdown", help=N_("A few sentences.")),
    Parameter(
        "fields",
        label=N_("Fields"),
        kind="rows",
        default=[],
        fields=[
            Parameter("name", label=N_("Name"), required=True),
            Parameter("value", label=N_("Value")),
            Parameter("link", label=N_("Link"), kind="url"),
            _SEVERITY,
        ],
        help=N_("Names and values, shown as a table."),
    ),
    Parameter("link", label=N_("Link"), kind="url", help=N_("Link to more details.")),
    Parameter("link_text", label=N_("Link text"), help=N_("Text of the link.")),
)


class Push(Widget):
    """Content sent by a program."""

    name = "push"
    label = N_("External content")
    summary = N_("Content from a build server, a monitor or your own script, shown as soon as it arrives.")
    icon = "push"
    position = "any"
    parameters: ClassVar = [
        Parameter("note", label=N_("Note"), default="", kind="markdown", help=N_("Shown below the content. Markdown."))
    ]


class GetContent(CachedFunction):
    """Reads the content that was sent last."""

    stored = False

    def interests(self) -> list[Interest]:
        """Match nothing: each ``PUT`` announces the change of this widget itself."""
        return []

    def execute(self) -> dict[str, Any] | None:
        """Return the content with ``pushed_at``; None if nothing was sent yet."""
        row = session_of(self.instance).get(PushContent, self.instance.id)
        return {**row.content, "pushed_at": row.pushed_at} if row else None


class PushView(RootWidgetView):
    """Shows the content."""

    def get_context(self, instance: Row, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Return the content, and the labels of the severities."""
        return {"content": GetContent(instance)(), "words": dict(_SEVERITIES), "note": instance.config["note"]}
