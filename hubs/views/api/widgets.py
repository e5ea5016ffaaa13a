"""Widgets in the API: listed, added, changed, moved and removed by the same actions as on the page."""

from typing import Any

from hubs import api_urls, urls
from hubs.actions import widgets as acts
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Widget
from hubs.permissions import can
from hubs.views.api import schemas
from hubs.views.api.base import LARGEST, ApiBlueprint, expect, held
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.hubs import address
from hubs.views.web.context import app_context, current_person, db, find_hub, find_widget, shown
from hubs.widgets.schema import Schema
from hubs.widgets.view import RootWidgetView

room = ApiBlueprint("Widgets", __name__, "The boxes on a hub.")
ONE = f"/widgets/<int(max={LARGEST}):number>"


@room.get_one(f"{HUB}/widgets", schemas.WidgetPage, 404)
def widgets(space: str, name: str) -> Any:
    """List the widgets of a hub that you may see, column by column from the top."""
    hub = find_hub(space, name)
    rows = sorted(shown(hub), key=lambda row: (row.side, row.position, row.id))
    return {"items": [describe(row) for row in rows], "next": None}


@room.act("POST", f"{HUB}/widgets", 201, schemas.Widget, 404, 409)
@room.arguments(schemas.WidgetNew)
def add_widget(new: dict[str, Any], space: str, name: str) -> Any:
    """Add a widget at the end of a column, as an owner."""
    hub = find_hub(space, name, "edit")
    row = acts.add(
        db(),
        app_context().registry,
        current_person(),
        hub,
        new["type"],
        new["side"],
        new["settings"],
        new["label"],
        visibility=new["visibility"],
    )
    db().commit()
    return describe(row), {"Location": app_context().settings.site_url + api_urls.widget(row.id)}


@room.get_one(ONE, schemas.Widget, 404)
def widget(number: int) -> Any:
    """Return a widget."""
    return describe(find_widget(number))


@room.act("PATCH", ONE, 200, schemas.Widget, 404, 409, match=True)
@room.arguments(schemas.WidgetChanges)
def change_widget(changes: dict[str, Any], number: int) -> Any:
    """Change a widget's settings, label, visibility or place, as an owner; what is not named stays."""
    row = _held(number)
    if not changes:
        raise InvalidInput(_("Name at least one thing to change."))
    if {"label", "visibility", "settings"} & set(changes):
        schema = acts.installed(app_context().registry, row.plugin).schema
        values = {**schema.shown(row.settings), **changes.get("settings", {})}
        told = {"label": changes.get("label"), "visibility": changes.get("visibility")}
        acts.update(db(), app_context().registry, current_person(), row, values, **told)
    if {"side", "position"} & set(changes):
        _place(row, changes.get("side", row.side), changes.get("position", acts.LIMIT))
    db().commit()
    return describe(row)


@room.act("DELETE", ONE, 204, None, 404, match=True)
def remove_widget(number: int) -> Any:
    """Take a widget off its hub, as an owner."""
    acts.remove(db(), app_context().registry, current_person(), _held(number))
    db().commit()
    return None


def _held(number: int) -> Widget:
    """Return a widget to change, which nobody else changes meanwhile."""
    row = held(find_widget(number, "edit"))
    expect(schemas.Widget, describe(row))
    return row


def _place(row: Widget, side: str, position: int) -> None:
    if side not in ("left", "right"):
        raise InvalidInput(_("The column is either left or right."), {"side": _("Please choose left or right.")})
    columns = {name: [one for one in row.hub.column(name) if one is not row] for name in ("left", "right")}
    columns[side].insert(max(0, position), row)
    acts.arrange(db(), app_context().registry, current_person(), row.hub, columns)


def describe(row: Widget) -> dict[str, Any]:
    """Return a widget as who asks may know it."""
    found, base = app_context().registry.get(row.plugin), app_context().settings.site_url
    has_calendar = found is not None and found.view.calendar is not RootWidgetView.calendar
    names = ("id", "side", "version", "updated_on")
    column = [one for one in shown(row.hub) if one.side == row.side]
    said = {
        **{name: getattr(row, name) for name in names},
        "hub": address(row.hub),
        # Among those that who asks may see: nothing tells how many others there are.
        "position": sorted(column, key=lambda one: (one.position, one.id)).index(row),
        "type": row.plugin,
        "label": app_context().registry.title(row),
        "visibility": row.visibility.value,
        "url": base + urls.widget(row.id),
        "content_url": base + urls.widget_json(row.id),
        "calendar_url": base + urls.widget_calendar(row.id) if has_calendar else None,
    }
    if can(current_person(), "edit", row):
        said["settings"] = (found.schema if found else Schema(())).shown(row.settings)
    return said
