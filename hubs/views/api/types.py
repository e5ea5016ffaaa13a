"""The widget types of this instance, with the JSON schema of their settings."""

from typing import Any

from hubs.actions.widgets import installed
from hubs.i18n import _
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.web.context import app_context
from hubs.widgets.jsonschema import settings_schema
from hubs.widgets.registry import WidgetType

blueprint = ApiBlueprint("Widget types", __name__, "The available widget types and their settings.")


@blueprint.read("/widget-types", schemas.TypePage)
def widget_types() -> Any:
    """List the widget types in the order of the catalogue."""
    return {"items": [_describe(widget_type) for widget_type in app_context().registry], "next": None}


@blueprint.read("/widget-types/<plugin>", schemas.WidgetType, 404)
def widget_type(plugin: str) -> Any:
    """Return a widget type with the JSON schema of its settings."""
    return _describe(installed(app_context().registry, plugin))


def _describe(widget_type: WidgetType) -> dict[str, Any]:
    cls = widget_type.cls
    return {
        "name": widget_type.name,
        "label": _(widget_type.label),
        "summary": _(cls.summary),
        "position": cls.position,
        "kinds": list(cls.kinds),
        "settings": settings_schema(widget_type.parameters),
    }
