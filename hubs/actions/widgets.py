"""Adds, changes, moves and removes widgets."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import SIDES, Hub, Page, Visibility, Widget, Width, now
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry, WidgetType

#: Most widgets on one hub, on all its pages together.
LIMIT = 60
LABEL_LENGTH = 128
#: Ways to move a widget.
MOVES = ("up", "down", *SIDES)


def add(
    session: Session,
    registry: Registry,
    person: Person,
    hub: Hub,
    plugin: str,
    side: str,
    values: Mapping[str, Any] | None = None,
    label: str = "",
    key: str = "",
    visibility: str = Visibility.PUBLIC,
    width: str = Width.THIRD,
    page: Page | None = None,
) -> Widget:
    """Add a widget at the end of a zone; ``key`` identifies it within the hub, and an empty one is generated.

    :raises InvalidInput: when the settings are not valid, or the widget does not fit the zone.
    """
    require(person, "edit", hub)
    widget_type = fitting(registry, hub.kind, side, plugin)
    if len(hub.widgets) >= LIMIT:
        raise Conflict(_("A hub holds at most %(limit)s widgets: remove one first.") % {"limit": LIMIT})
    row = Widget(
        key=key or free_key({row.key for row in hub.widgets}, widget_type.name),
        plugin=widget_type.name,
        label=heading(label, widget_type),
        side=side,
        page=page,
        position=_end(hub, side, page),
        visibility=visibility_of(visibility),
        width=width_of(width).value,
        settings=widget_type.schema.store(values or {}, {})[0],
        version=1,
    )
    hub.widgets.append(row)
    hub.touch(only_content=True)
    session.flush()
    _tell(session, registry, person, row, "created", [])
    return row


def update(
    session: Session,
    registry: Registry,
    person: Person,
    row: Widget,
    values: Mapping[str, Any],
    label: str | None = None,
    version: int | None = None,
    visibility: str | None = None,
) -> list[str]:
    """Change a widget's settings; return the names of those that changed.

    :param version: the version that the form showed; a different current version is a conflict.
    :raises Conflict: when somebody else saved in the meantime.
    """
    require(person, "edit", row)
    widget_type = installed(registry, row.plugin)
    if version is not None and version != row.version:
        raise Conflict(
            _(
                "Somebody else changed these settings while you had the form open. Below is what you typed; saving "
                "again replaces their version."
            )
        )
    settings, changed = widget_type.schema.store(values, row.settings)
    if label is not None and heading(label, widget_type) != row.label:
        row.label = heading(label, widget_type)
        changed.append("label")
    if visibility is not None and visibility_of(visibility) != row.visibility:
        row.visibility = visibility_of(visibility)
        changed.append("visibility")
    if changed:
        row.settings = settings
        row.version += 1
        row.updated_on = now()
        row.hub.touch(only_content=True)
        session.flush()
        _tell(session, registry, person, row, "updated", changed)
    return changed


def move(session: Session, registry: Registry, person: Person, row: Widget, way: str) -> None:
    """Move a widget one place ``up`` or ``down``, or to the end of a zone of its page, one of `SIDES`."""
    require(person, "edit", row)
    if way not in MOVES:
        raise InvalidInput(
            _("A widget moves %(ways)s or %(last)s.") % {"ways": ", ".join(MOVES[:-1]), "last": MOVES[-1]}
        )
    if way in SIDES:
        _check_side(registry, row, way)
        row.position = _end(row.hub, way, row.page)
        row.side = way
    else:
        column = row.hub.column(row.side, row.page)
        place = column.index(row)
        column.insert(max(0, place + (-1 if way == "up" else 1)), column.pop(place))
        for position, widget in enumerate(column):
            widget.position = position
    row.updated_on = now()
    row.hub.touch(only_content=True)
    session.flush()
    _tell(session, registry, person, row, "updated", ["position"])


def send(session: Session, registry: Registry, person: Person, row: Widget, page: Page | None) -> None:
    """Move a widget to the end of the same zone on another page of its hub; None is the home page."""
    require(person, "edit", row)
    row.position = _end(row.hub, row.side, page)
    row.page, row.updated_on = page, now()
    row.hub.touch(only_content=True)
    session.flush()
    _tell(session, registry, person, row, "updated", ["position"])


def resize(session: Session, registry: Registry, person: Person, row: Widget, value: str) -> bool:
    """Set how much of a row a widget takes below the columns; return whether that changed.

    :raises InvalidInput: when the value is not a `Width`.
    """
    require(person, "edit", row)
    width = width_of(value).value
    if row.width == width:
        return False
    row.width, row.updated_on = width, now()
    row.hub.touch(only_content=True)
    session.flush()
    _tell(session, registry, person, row, "updated", ["width"])
    return True


def arrange(
    session: Session,
    registry: Registry,
    person: Person,
    hub: Hub,
    columns: Mapping[tuple[Page | None, str], Sequence[Widget]],
) -> list[Widget]:
    """Arrange the widgets of a hub: ``columns`` has those of each zone of a page; return those that moved.

    :raises InvalidInput: when a widget does not fit its column.
    """
    require(person, "edit", hub)
    moved = []
    for (page, side), rows in columns.items():
        if hub.column(side, page) == list(rows):
            continue
        for position, row in enumerate(rows):
            if (row.page, row.side, row.position) == (page, side, position):
                continue
            if row.side != side:
                _check_side(registry, row, side)
            moved.append(row)
            row.page, row.side, row.position, row.updated_on = page, side, position, now()
    if moved:
        hub.touch(only_content=True)
        session.flush()
    for row in moved:
        _tell(session, registry, person, row, "updated", ["position"])
    return moved


def free_key(keys: Collection[str], plugin: str) -> str:
    """Return a key for a new widget that is not among ``keys``: ``feed``, else ``feed-2`` and so on."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", plugin).strip("-._")[:48] or "widget"
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(keys) + 3))) if name not in keys)


def remove(session: Session, registry: Registry, person: Person, row: Widget) -> None:
    """Remove a widget from its hub."""
    require(person, "edit", row)
    hub = row.hub
    # Before the removal: the message names the widget, and its visibility decides whether it may.
    _tell(session, registry, person, row, "deleted", [])
    hub.widgets.remove(row)
    hub.touch(only_content=True)
    session.flush()


def _tell(session: Session, registry: Registry, person: Person, row: Widget, what: str, changed: list[str]) -> None:
    body = outbox.about_widget(session, row, person.username, changed, registry.title(row))
    outbox.record(session, f"hubs.widget.{what}", body, row)


def _check_side(registry: Registry, row: Widget, side: str) -> None:
    if registry.get(row.plugin) is not None:
        fitting(registry, row.hub.kind, side, row.plugin)


def installed(registry: Registry, plugin: str) -> WidgetType:
    """Return the widget called ``plugin``.

    :raises NotFound: when it is not installed.
    """
    widget_type = registry.get(plugin)
    if widget_type is None:
        raise NotFound(_("There is no widget called “%(plugin)s” here.") % {"plugin": plugin})
    return widget_type


def fitting(registry: Registry, kind: str, side: str, plugin: str) -> WidgetType:
    """Return the widget called ``plugin`` if it fits a zone of a hub of this kind.

    :raises InvalidInput: when it does not.
    """
    widget_type = installed(registry, plugin)
    check_side(side)
    if not widget_type.fits(kind, side):
        raise InvalidInput(
            _("%(label)s can't be placed in the zone %(side)s of this hub.")
            % {"label": _(widget_type.label), "side": side}
        )
    return widget_type


def heading(label: str, widget_type: WidgetType) -> str:
    """Return a heading as it is stored: on one line, and empty if it is the widget's default."""
    label = " ".join(label.split())
    if len(label) > LABEL_LENGTH:
        raise InvalidInput(
            _("The title is too long."),
            {"label": _("At most %(most)s characters are possible.") % {"most": LABEL_LENGTH}},
        )
    return "" if label == widget_type.label else label


def check_side(side: str) -> None:
    """Check that pages have this zone.

    :raises InvalidInput: when they do not.
    """
    if side not in SIDES:
        raise InvalidInput(
            _("A page has the zones left, right and below."), {"side": _("Please choose left, right or below.")}
        )


def width_of(value: str) -> Width:
    """Return the width that a form submitted.

    :raises InvalidInput: when it is not a `Width`.
    """
    try:
        return Width(value)
    except ValueError:
        sentence = _("Please choose one of: %(names)s.") % {"names": ", ".join(Width)}
        raise InvalidInput(_("This is not a valid width."), {"width": sentence}) from None


def visibility_of(value: str) -> Visibility:
    """Return the visibility that a form submitted.

    :raises InvalidInput: when it is not a known level.
    """
    try:
        return Visibility(value)
    except ValueError:
        sentence = _("Please choose one of: %(names)s.") % {"names": ", ".join(Visibility)}
        raise InvalidInput(_("This is not a valid visibility."), {"visibility": sentence}) from None


def _end(hub: Hub, side: str, page: Page | None) -> int:
    return max((row.position for row in hub.column(side, page)), default=-1) + 1
