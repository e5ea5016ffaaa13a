"""Widgets in the API: list, add, change, move and remove, by the same actions as on the page."""

from typing import Any

from hubs import api_urls, urls
from hubs.actions import widgets as acts
from hubs.actions.layout import page_rows
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import SIDES, Hub, Page, Widget
from hubs.permissions import can
from hubs.views.api import schemas
from hubs.views.api.base import LARGEST, ApiBlueprint, check_precondition, locked
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.hubs import address
from hubs.views.web.context import app_context, current_person, db, find_hub, find_widget, visible_widgets
from hubs.widgets.schema import Schema
from hubs.widgets.view import RootWidgetView

blueprint = ApiBlueprint("Widgets", __name__, "The widgets of a hub.")
ONE = f"/widgets/<int(max={LARGEST}):number>"


@blueprint.read(f"{HUB}/widgets", schemas.WidgetPage, 404)
def widgets(space: str, name: str) -> Any:
    """List the widgets of a hub that you may see, page by page and zone by zone from the top."""
    hub = find_hub(space, name)
    order: dict[int | None, int] = {None: 0, **{page.id: number for number, page in enumerate(hub.pages, 1)}}
    rows = sorted(visible_widgets(hub), key=lambda r: (order[r.page_id], SIDES.index(r.side), r.position, r.id))
    return {"items": [describe(row) for row in rows], "next": None}


@blueprint.write("POST", f"{HUB}/widgets", 201, schemas.Widget, 404, 409)
@blueprint.arguments(schemas.WidgetNew)
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
        width=new["width"],
        page=_page(hub, new["page"]),
    )
    db().commit()
    return describe(row), {"Location": app_context().settings.site_url + api_urls.widget(row.id)}


@blueprint.read(ONE, schemas.Widget, 404)
def widget(number: int) -> Any:
    """Return a widget."""
    return describe(find_widget(number))


@blueprint.write("PATCH", ONE, 200, schemas.Widget, 404, 409, match=True)
@blueprint.arguments(schemas.WidgetChanges)
def change_widget(changes: dict[str, Any], number: int) -> Any:
    """Change a widget's settings, label, visibility or position as an owner; fields that are not sent stay."""
    row = _locked_widget(number)
    if not changes:
        raise InvalidInput(_("Send at least one field to change."))
    if {"label", "visibility", "settings"} & set(changes):
        schema = acts.installed(app_context().registry, row.plugin).schema
        values = {**schema.shown(row.settings), **changes.get("settings", {})}
        texts = {"label": changes.get("label"), "visibility": changes.get("visibility")}
        acts.update(db(), app_context().registry, current_person(), row, values, **texts)
    if "width" in changes:
        acts.resize(db(), app_context().registry, current_person(), row, changes["width"])
    if {"page", "side", "position"} & set(changes):
        page = _page(row.hub, changes["page"]) if "page" in changes else row.page
        _move(row, page, changes.get("side", row.side), changes.get("position", acts.LIMIT))
    db().commit()
    return describe(row)


@blueprint.write("DELETE", ONE, 204, None, 404, match=True)
def remove_widget(number: int) -> Any:
    """Remove a widget from its hub, as an owner."""
    acts.remove(db(), app_context().registry, current_person(), _locked_widget(number))
    db().commit()
    return None


def _locked_widget(number: int) -> Widget:
    """Return a widget for a change, locked, if the precondition of the request holds."""
    row = locked(find_widget(number, "edit"))
    check_precondition(schemas.Widget, describe(row))
    return row


def _page(hub: Hub, slug: str) -> Page | None:
    """Return a page of a hub that the current person may see; None for the home page, whose slug is empty."""
    return page_rows.find(current_person(), hub, slug) if slug else None


def _move(row: Widget, page: Page | None, side: str, position: int) -> None:
    acts.check_side(side)
    places = {(row.page, row.side), (page, side)}
    columns = {
        place: [widget for widget in row.hub.column(place[1], place[0]) if widget is not row] for place in places
    }
    columns[page, side].insert(max(0, position), row)
    acts.arrange(db(), app_context().registry, current_person(), row.hub, columns)


def describe(row: Widget) -> dict[str, Any]:
    """Return a widget with everything that the current person may know about it."""
    widget_type, base = app_context().registry.get(row.plugin), app_context().settings.site_url
    has_calendar = widget_type is not None and widget_type.view.calendar is not RootWidgetView.calendar
    names = ("id", "side", "width", "version", "updated_on")
    column = [other for other in visible_widgets(row.hub) if (other.page, other.side) == (row.page, row.side)]
    record = {
        **{name: getattr(row, name) for name in names},
        "hub": address(row.hub),
        "page": row.slug,
        # Among the visible ones: the number of hidden widgets stays secret.
        "position": sorted(column, key=lambda widget: (widget.position, widget.id)).index(row),
        "type": row.plugin,
        "label": app_context().registry.title(row),
        "visibility": row.visibility.value,
        "url": base + urls.widget(row.id),
        "content_url": base + urls.widget_json(row.id),
        "calendar_url": base + urls.widget_calendar(row.id) if has_calendar else None,
    }
    if can(current_person(), "edit", row):
        record["settings"] = (widget_type.schema if widget_type else Schema(())).shown(row.settings)
    return record
