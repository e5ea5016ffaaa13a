"""Check of the interests that a widget's cached functions declare, for its author."""

from hubs.errors import NeedsSetup
from hubs.models import Widget
from hubs.widgets.interests import misspelt_topics
from hubs.widgets.registry import WidgetType


def check_interests(widget_type: WidgetType, row: Widget) -> None:
    """Read the interests of all cached functions of a widget.

    :raises ValueError: if one of them cannot match any message, or names a misspelt topic.
    """
    for function in widget_type.bound_functions(row):
        name = type(function).__name__
        try:
            problems = misspelt_topics(function.interests() or ())
        except NeedsSetup:  # settings that cannot be read: the widget shows that itself
            continue
        except ValueError as error:
            raise ValueError(f"{name}.interests(): {error}") from error
        if problems:
            raise ValueError(f"{name}.interests(): {'; '.join(problems)}")
