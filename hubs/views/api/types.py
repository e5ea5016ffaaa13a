"""The kinds of widgets that this instance has, with the JSON schema of their settings."""

from typing import Any

from hubs.actions.widgets import installed
from hubs.i18n import _
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.web.context import app_context
from hubs.widgets.jsonschema import settings_schema
from hubs.widgets.registry import WidgetType

room = ApiBlueprint("Widget types", __name__, "The kinds of widgets that there are, and their settings.")


@room.get_one("/widget-types", schemas.TypePage)
def widget_types() -> Any:
    """List the kinds of widgets, in the order of the catalogue."""
    return {"items": [_describe(one) for one in app_context().registry], "next": None}


@room.get_one("/widget-types/<plugin>", schemas.WidgetType, 404)
def widget_type(plugin: str) -> Any:
    """Return a kind of widget, with the JSON schema of its settings."""
    return _describe(installed(app_context().registry, plugin))


def _describe(found: WidgetType) -> dict[str, Any]:
    cls = found.cls
    return {
        "name": found.name,
        "label": _(found.label),
        "summary": _(cls.summary),
        "position": cls.position,
        "kinds": list(cls.kinds),
        "settings": settings_schema(found.parameters),
    }
