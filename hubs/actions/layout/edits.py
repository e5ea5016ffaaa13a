"""Steps of editing a page: each takes a hub's document and returns the one after the step. Nothing is stored here."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubs.actions import widgets
from hubs.actions.layout.documents import RECORD, SIDES, WIDGETS, HubDocument, Layout, WidgetDocument, without_defaults
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import GRID, Visibility
from hubs.widgets.registry import Registry

Columns = dict[str, list[WidgetDocument]]


def find(document: HubDocument, key: str) -> WidgetDocument:
    """Return one widget of a document.

    :raises NotFound: when it has none of that id.
    """
    for one in every(document):
        if one.id == key:
            return one
    raise NotFound(_("There is no such widget on this page any more. Load the editor again."))


def every(document: HubDocument) -> Iterator[WidgetDocument]:
    """Yield all widgets, left column first."""
    for side in SIDES:
        yield from getattr(document.widgets, side)


def side_of(document: HubDocument, key: str) -> str:
    """Return the column that a widget stands in."""
    found = find(document, key)
    return "left" if found in document.widgets.left else "right"


def add(
    document: HubDocument,
    registry: Registry,
    side: str,
    plugin: str,
    settings: Mapping[str, Any],
    title: str = "",
    visibility: str = Visibility.PUBLIC,
) -> HubDocument:
    """Put a new widget at the end of a column.

    :raises InvalidInput: when its settings or the column do not fit it.
    :raises Conflict: when the hub holds as many widgets as it can.
    """
    found = widgets.fitting(registry, document.kind, side, plugin)
    taken = {one.id for one in every(document)}
    if len(taken) >= WIDGETS:
        raise Conflict(_("A hub holds at most %(widgets)s widgets: remove one first.") % {"widgets": WIDGETS})
    cleaned = without_defaults(found.parameters, found.schema.drafted(settings))
    made = WidgetDocument(
        id=widgets.free_key(taken, plugin),
        widget=plugin,
        title=widgets.heading(title, found),
        visibility=widgets.visibility_of(visibility),
        settings=cleaned,
    )
    columns = _columns(document)
    columns[side].append(made)
    return _with(document, columns)


def configure(
    document: HubDocument,
    registry: Registry,
    key: str,
    settings: Mapping[str, Any],
    title: str,
    visibility: str = Visibility.PUBLIC,
) -> HubDocument:
    """Change the settings and the heading of a widget, and who may see it.

    :raises InvalidInput: with one sentence per setting that cannot be accepted.
    """
    before = find(document, key)
    found = widgets.installed(registry, before.widget)
    cleaned = without_defaults(found.parameters, found.schema.drafted(settings))
    change = {"title": widgets.heading(title, found), "visibility": widgets.visibility_of(visibility)}
    after = before.model_copy(update={"settings": cleaned, **change})
    columns = {side: [after if one.id == key else one for one in rows] for side, rows in _columns(document).items()}
    return _with(document, columns)


def remove(document: HubDocument, key: str) -> HubDocument:
    """Take a widget off the page."""
    find(document, key)
    columns = {side: [one for one in rows if one.id != key] for side, rows in _columns(document).items()}
    return _with(document, columns)


def place(document: HubDocument, registry: Registry, key: str, side: str, index: int, before: str = "") -> HubDocument:
    """Put a widget before another one of a column, else at a place, counted from 0 at the top, or at the end.

    :raises InvalidInput: when it cannot stand in that column.
    """
    moved = find(document, key)
    if side != side_of(document, key):
        widgets.fitting(registry, document.kind, side, moved.widget)
    columns = {name: [one for one in rows if one.id != key] for name, rows in _columns(document).items()}
    names = [one.id for one in columns[side]]
    columns[side].insert(names.index(before) if before in names else max(0, index), moved)
    return _with(document, columns)


def step(document: HubDocument, registry: Registry, key: str, way: str) -> HubDocument:
    """Move a widget ``up``, ``down``, ``top``, ``bottom``, or to the end of the ``left`` or ``right`` column."""
    side = side_of(document, key)
    rows = [one.id for one in getattr(document.widgets, side)]
    at = rows.index(key)
    places = {"up": at - 1, "down": at + 1, "top": 0, "bottom": len(rows)}
    if way in places:
        return place(document, registry, key, side, places[way])
    if way in SIDES:
        return place(document, registry, key, way, WIDGETS)
    raise InvalidInput(_("A widget moves up, down, top, bottom, left or right."))


def width(document: HubDocument, value: Any) -> HubDocument:
    """Set the width of the left column, in columns of the grid."""
    try:
        wanted = int(value)
    except (TypeError, ValueError):
        wanted = 0
    if not 1 <= wanted < GRID:
        raise InvalidInput(
            _("Please choose a width from 1 to %(most)s.") % {"most": GRID - 1},
            {"left_width": _("Please choose a width from 1 to %(most)s.") % {"most": GRID - 1}},
        )
    return document.model_copy(update={"left_width": wanted})


def take(document: HubDocument, other: HubDocument, key: str, name: str) -> HubDocument:
    """Take the value of one setting, heading or field of the hub (``key`` is ``hub``) from another document.

    :raises InvalidInput: when there is no such place in both.
    """
    if key == "hub" and name in RECORD:
        return document.model_copy(update={name: getattr(other, name)})
    if key == "hub" and name in {*document.accounts, *other.accounts}:
        accounts = {**document.accounts, name: other.accounts.get(name, "")}
        return document.model_copy(update={"accounts": {one: text for one, text in accounts.items() if text}})
    there = next((one for one in every(other) if one.id == key), None)
    if there is None or not any(one.id == key for one in every(document)):
        raise InvalidInput(_("This cannot be taken from the other version, since it is not in both."))
    here = find(document, key)
    settings = {one: value for one, value in here.settings.items() if one != name}
    if name in there.settings:
        settings[name] = there.settings[name]
    change = {name: getattr(there, name)} if name in ("title", "visibility") else {"settings": settings}
    after = here.model_copy(update=change)
    columns = {side: [after if one.id == key else one for one in rows] for side, rows in _columns(document).items()}
    return _with(document, columns)


def _columns(document: HubDocument) -> Columns:
    return {side: list(getattr(document.widgets, side)) for side in SIDES}


def _with(document: HubDocument, columns: Columns) -> HubDocument:
    return document.model_copy(update={"widgets": Layout(left=columns["left"], right=columns["right"])})
