"""Adds, changes, moves and removes widgets."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub, Visibility, Widget, now
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry, WidgetType

#: Most widgets on one hub.
LIMIT = 60
LABEL_LENGTH = 128
#: Ways to move a widget.
MOVES = ("up", "down", "left", "right")


def add(
    session: Session,
    registry: Registry,
    who: Person,
    hub: Hub,
    plugin: str,
    side: str,
    values: Mapping[str, Any] | None = None,
    label: str = "",
    key: str = "",
    visibility: str = Visibility.PUBLIC,
) -> Widget:
    """Put a new widget at the end of one column; ``key`` names it within the hub; an empty one is generated.

    :raises InvalidInput: when the settings or the column do not fit the widget.
    """
    require(who, "edit", hub)
    found = fitting(registry, hub.kind, side, plugin)
    if len(hub.widgets) >= LIMIT:
        raise Conflict(_("A hub holds at most %(limit)s widgets: remove one first.") % {"limit": LIMIT})
    row = Widget(
        key=key or free_key({row.key for row in hub.widgets}, found.name),
        plugin=found.name,
        label=heading(label, found),
        side=side,
        position=_end(hub, side),
        visibility=visibility_of(visibility),
        settings=found.schema.store(values or {}, {})[0],
        version=1,
    )
    hub.widgets.append(row)
    hub.touch()
    session.flush()
    _tell(session, registry, who, row, "created", [])
    return row


def update(
    session: Session,
    registry: Registry,
    who: Person,
    row: Widget,
    values: Mapping[str, Any],
    label: str | None = None,
    version: int | None = None,
    visibility: str | None = None,
) -> list[str]:
    """Change a widget's settings; return the names of those that changed.

    :param version: the version that the person saw; another one by now is a conflict.
    :raises Conflict: when somebody else saved in the meantime.
    """
    require(who, "edit", row)
    found = installed(registry, row.plugin)
    if version is not None and version != row.version:
        raise Conflict(
            _(
                "Somebody else changed these settings while you had the form open. Below is what you typed; saving "
                "again replaces their version."
            )
        )
    settings, changed = found.schema.store(values, row.settings)
    if label is not None and heading(label, found) != row.label:
        row.label = heading(label, found)
        changed.append("label")
    if visibility is not None and visibility_of(visibility) != row.visibility:
        row.visibility = visibility_of(visibility)
        changed.append("visibility")
    if changed:
        row.settings = settings
        row.version += 1
        row.updated_on = now()
        row.hub.touch()
        session.flush()
        _tell(session, registry, who, row, "updated", changed)
    return changed


def move(session: Session, registry: Registry, who: Person, row: Widget, way: str) -> None:
    """Move a widget one place ``up`` or ``down``, or to the end of the ``left`` or ``right`` column."""
    require(who, "edit", row)
    if way not in MOVES:
        raise InvalidInput(
            _("A widget moves %(ways)s or %(last)s.") % {"ways": ", ".join(MOVES[:-1]), "last": MOVES[-1]}
        )
    if way in ("left", "right"):
        _check_side(registry, row, way)
        row.position = _end(row.hub, way)
        row.side = way
    else:
        column = row.hub.column(row.side)
        place = column.index(row)
        column.insert(max(0, place + (-1 if way == "up" else 1)), column.pop(place))
        for position, each in enumerate(column):
            each.position = position
    row.updated_on = now()
    row.hub.touch()
    session.flush()
    _tell(session, registry, who, row, "updated", ["position"])


def arrange(
    session: Session, registry: Registry, who: Person, hub: Hub, columns: Mapping[str, Sequence[Widget]]
) -> list[Widget]:
    """Put all widgets of a hub in the order of ``columns``; return those whose place changed.

    :raises InvalidInput: when a widget cannot stand in its column.
    """
    require(who, "edit", hub)
    moved = []
    for side, rows in columns.items():
        if hub.column(side) == list(rows):
            continue
        for position, row in enumerate(rows):
            if row.side == side and row.position == position:
                continue
            if row.side != side:
                _check_side(registry, row, side)
            moved.append(row)
            row.side, row.position, row.updated_on = side, position, now()
    if moved:
        hub.touch()
        session.flush()
    for row in moved:
        _tell(session, registry, who, row, "updated", ["position"])
    return moved


def free_key(taken: Collection[str], plugin: str) -> str:
    """Return a name within the hub for a new widget that none of ``taken`` has: ``feed``, ``feed-2``."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", plugin).strip("-._")[:48] or "widget"
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def remove(session: Session, registry: Registry, who: Person, row: Widget) -> None:
    """Take a widget off its hub."""
    require(who, "edit", row)
    hub = row.hub
    _tell(session, registry, who, row, "deleted", [])
    hub.widgets.remove(row)
    hub.touch()
    session.flush()


def _tell(session: Session, registry: Registry, who: Person, row: Widget, what: str, changed: list[str]) -> None:
    body = outbox.about_widget(session, row, who.username, changed, registry.title(row))
    outbox.record(session, f"hubs.widget.{what}", body, row)


def _check_side(registry: Registry, row: Widget, side: str) -> None:
    if registry.get(row.plugin) is not None:
        fitting(registry, row.hub.kind, side, row.plugin)


def installed(registry: Registry, plugin: str) -> WidgetType:
    """Return the widget called ``plugin``.

    :raises NotFound: when it is not installed.
    """
    found = registry.get(plugin)
    if found is None:
        raise NotFound(_("There is no widget called “%(plugin)s” here.") % {"plugin": plugin})
    return found


def fitting(registry: Registry, kind: str, side: str, plugin: str) -> WidgetType:
    """Return the widget called ``plugin``, which shall stand in a column of a hub of this kind.

    :raises InvalidInput: when it cannot stand there.
    """
    found = installed(registry, plugin)
    if side not in ("left", "right"):
        raise InvalidInput(_("The column is either left or right."), {"side": _("Please choose left or right.")})
    if not found.fits(kind, side):
        raise InvalidInput(
            _("%(label)s can't be placed in the %(side)s column of this hub.") % {"label": _(found.label), "side": side}
        )
    return found


def heading(label: str, found: WidgetType) -> str:
    """Return a heading as it is stored: on one line, and empty where it is the widget's own."""
    label = " ".join(label.split())
    if len(label) > LABEL_LENGTH:
        raise InvalidInput(
            _("The title is too long."),
            {"label": _("At most %(most)s characters are possible.") % {"most": LABEL_LENGTH}},
        )
    return "" if label == found.label else label


def visibility_of(value: str) -> Visibility:
    """Return who may see a widget, as a form spells it.

    :raises InvalidInput: when it is none of the known levels.
    """
    try:
        return Visibility(value)
    except ValueError:
        sentence = _("Please choose one of: %(names)s.") % {"names": ", ".join(Visibility)}
        raise InvalidInput(_("This is not a valid visibility."), {"visibility": sentence}) from None


def _end(hub: Hub, side: str) -> int:
    return max((row.position for row in hub.column(side)), default=-1) + 1
