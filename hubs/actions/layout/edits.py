"""Steps of editing a page: each takes a hub's document and returns the changed one. Nothing is stored here."""

from collections.abc import Mapping
from typing import Any

from hubs.actions import widgets
from hubs.actions.layout import pages
from hubs.actions.layout.documents import (
    RECORD,
    WIDGETS,
    HubDocument,
    WidgetDocument,
    Zone,
    every_widget,
    with_zones,
    without_defaults,
    zones,
)
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import GRID, SIDES, Visibility
from hubs.widgets.registry import Registry


def find(document: HubDocument, key: str) -> WidgetDocument:
    """Return a widget of a document.

    :raises NotFound: when there is none with this id.
    """
    for widget in every_widget(document):
        if widget.id == key:
            return widget
    raise NotFound(_("There is no such widget on this page any more. Load the editor again."))


def zone_of(document: HubDocument, key: str) -> Zone:
    """Return the page and the side of a widget."""
    widget = find(document, key)
    return next(zone for zone, rows in zones(document).items() if widget in rows)


def add(
    document: HubDocument,
    registry: Registry,
    side: str,
    plugin: str,
    settings: Mapping[str, Any],
    title: str = "",
    visibility: str = Visibility.PUBLIC,
    page: str = "",
) -> HubDocument:
    """Add a widget at the end of a zone of a page.

    :raises NotFound: when there is no such page.
    :raises InvalidInput: when its settings are not valid, or it does not fit the zone.
    :raises Conflict: when the hub has the maximal number of widgets.
    """
    widget_type = widgets.fitting(registry, document.kind, side, plugin)
    ids = {widget.id for widget in every_widget(document)}
    if len(ids) >= WIDGETS:
        raise Conflict(_("A hub holds at most %(widgets)s widgets: remove one first.") % {"widgets": WIDGETS})
    cleaned = without_defaults(widget_type.parameters, widget_type.schema.drafted(settings))
    new = WidgetDocument(
        id=widgets.free_key(ids, plugin),
        widget=plugin,
        title=widgets.heading(title, widget_type),
        visibility=widgets.visibility_of(visibility),
        settings=cleaned,
    )
    rows = _rows(document, page)
    rows[page, side].append(new)
    return with_zones(document, rows)


def configure(
    document: HubDocument,
    registry: Registry,
    key: str,
    settings: Mapping[str, Any],
    title: str,
    visibility: str = Visibility.PUBLIC,
) -> HubDocument:
    """Change the settings, the heading and the visibility of a widget.

    :raises InvalidInput: with one sentence per setting that cannot be accepted.
    """
    before = find(document, key)
    widget_type = widgets.installed(registry, before.widget)
    cleaned = without_defaults(widget_type.parameters, widget_type.schema.drafted(settings))
    change = {"title": widgets.heading(title, widget_type), "visibility": widgets.visibility_of(visibility)}
    return _replace(document, before.model_copy(update={"settings": cleaned, **change}))


def remove(document: HubDocument, key: str) -> HubDocument:
    """Remove a widget from the page."""
    find(document, key)
    return with_zones(document, _without(document, key))


def place(document: HubDocument, registry: Registry, key: str, side: str, index: int, before: str = "") -> HubDocument:
    """Move a widget into a zone of its page: before the widget ``before``, else to the 0-based ``index``.

    :raises InvalidInput: when it does not fit that zone.
    """
    moved, (page, current) = find(document, key), zone_of(document, key)
    if side != current:
        widgets.fitting(registry, document.kind, side, moved.widget)
    rows = _without(document, key)
    ids = [widget.id for widget in rows[page, side]]
    rows[page, side].insert(ids.index(before) if before in ids else min(max(0, index), len(ids)), moved)
    return with_zones(document, rows)


def step(document: HubDocument, registry: Registry, key: str, way: str) -> HubDocument:
    """Move a widget ``up``, ``down``, ``top``, ``bottom``, or to the end of another zone."""
    page, side = zone_of(document, key)
    rows = [widget.id for widget in zones(document)[page, side]]
    at = rows.index(key)
    places = {"up": at - 1, "down": at + 1, "top": 0, "bottom": len(rows)}
    if way in places:
        return place(document, registry, key, side, places[way])
    if way in SIDES:
        return place(document, registry, key, way, WIDGETS)
    raise InvalidInput(_("A widget moves up, down, top, bottom, left, right or below."))


def send(document: HubDocument, key: str, page: str) -> HubDocument:
    """Move a widget to the end of the same zone on another page.

    :raises NotFound: when there is no such page.
    """
    moved, (_page, side) = find(document, key), zone_of(document, key)
    _rows(document, page)
    rows = _without(document, key)
    rows[page, side].append(moved)
    return with_zones(document, rows)


def width(document: HubDocument, value: Any, page: str = "") -> HubDocument:
    """Set the width of the left column of a page, in grid columns.

    :raises NotFound: when there is no such page.
    """
    try:
        columns = int(value)
    except (TypeError, ValueError):
        columns = 0
    if not 1 <= columns < GRID:
        raise InvalidInput(
            _("Please choose a width from 1 to %(most)s.") % {"most": GRID - 1},
            {"left_width": _("Please choose a width from 1 to %(most)s.") % {"most": GRID - 1}},
        )
    if not page:
        return document.model_copy(update={"left_width": columns})
    return pages.widen(document, page, columns)


def span(document: HubDocument, key: str, value: str) -> HubDocument:
    """Set how much of a row a widget takes below the columns.

    :raises InvalidInput: when the value is not a `Width`.
    """
    return _replace(document, find(document, key).model_copy(update={"width": widgets.width_of(value)}))


def take(document: HubDocument, other: HubDocument, key: str, name: str) -> HubDocument:
    """Copy a value from another document: of a widget, of the hub (``key`` is ``hub``), or of a page (``/slug``).

    :raises InvalidInput: when it does not exist in both.
    """
    if key == "hub" and name in RECORD:
        return document.model_copy(update={name: getattr(other, name)})
    if key == "hub" and name in {*document.accounts, *other.accounts}:
        accounts = {**document.accounts, name: other.accounts.get(name, "")}
        return document.model_copy(update={"accounts": {field: text for field, text in accounts.items() if text}})
    if key.startswith("/"):
        return pages.take(document, other, key[1:], name)
    ours, theirs = (next((w for w in every_widget(version) if w.id == key), None) for version in (document, other))
    if ours is None or theirs is None:
        raise InvalidInput(_("This cannot be taken from the other version, since it is not in both."))
    settings = {setting: value for setting, value in ours.settings.items() if setting != name}
    if name in theirs.settings:
        settings[name] = theirs.settings[name]
    change = {name: getattr(theirs, name)} if name in ("title", "visibility", "width") else {"settings": settings}
    return _replace(document, ours.model_copy(update=change))


def _replace(document: HubDocument, changed: WidgetDocument) -> HubDocument:
    rows = {
        zone: [changed if widget.id == changed.id else widget for widget in widgets]
        for zone, widgets in zones(document).items()
    }
    return with_zones(document, rows)


def _without(document: HubDocument, key: str) -> dict[Zone, list[WidgetDocument]]:
    return {zone: [widget for widget in rows if widget.id != key] for zone, rows in zones(document).items()}


def _rows(document: HubDocument, page: str) -> dict[Zone, list[WidgetDocument]]:
    """Return the widgets of each zone of a document that has ``page``."""
    if page:
        pages.find(document, page)
    return zones(document)
