"""Adding, changing, moving and removing widgets."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotFound
from hubs.models import Hub, Widget, now
from hubs.permissions import Person, require
from hubs.widgets import parameters
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
) -> Widget:
    """Put a new widget at the end of one column.

    :raises InvalidInput: when the settings or the column do not fit the widget.
    """
    require(who, "edit", hub)
    found = _installed(registry, plugin)
    if side not in ("left", "right"):
        raise InvalidInput("The column is either left or right.", {"side": "Please choose left or right."})
    if not found.fits(hub.kind, side):
        raise InvalidInput(f"{found.label} cannot stand in the {side} column of this hub.")
    if len(hub.widgets) >= LIMIT:
        raise Conflict(f"A hub holds at most {LIMIT} widgets: remove one first.")
    row = Widget(
        plugin=found.name,
        label=_label(label, found),
        side=side,
        position=_end(hub, side),
        settings=parameters.clean(found.parameters, values or {}),
        version=1,
    )
    hub.widgets.append(row)
    hub.touch()
    session.flush()
    outbox.record(session, "hubs.widget.created", outbox.about_widget(session, row, who.username, []))
    return row


def update(
    session: Session,
    registry: Registry,
    who: Person,
    row: Widget,
    values: Mapping[str, Any],
    label: str | None = None,
    version: int | None = None,
) -> list[str]:
    """Change a widget's settings; return the names of those that changed.

    :param version: the version that the person saw; another one by now is a conflict.
    :raises Conflict: when somebody else saved in the meantime.
    """
    require(who, "edit", row)
    found = _installed(registry, row.plugin)
    if version is not None and version != row.version:
        raise Conflict(
            "Somebody else changed these settings while you had the form open. "
            "Below is what you typed; saving again replaces their version."
        )
    cleaned = parameters.clean(found.parameters, values)
    before = {**parameters.defaults(found.parameters), **row.settings}
    changed = sorted(name for name, value in cleaned.items() if before.get(name) != value)
    if label is not None and _label(label, found) != row.label:
        row.label = _label(label, found)
        changed.append("label")
    if changed:
        row.settings = cleaned
        row.version += 1
        row.updated_on = now()
        row.hub.touch()
        session.flush()
        outbox.record(session, "hubs.widget.updated", outbox.about_widget(session, row, who.username, changed))
    return changed


def move(session: Session, registry: Registry, who: Person, row: Widget, way: str) -> None:
    """Move a widget one place ``up`` or ``down``, or to the end of the ``left`` or ``right`` column."""
    require(who, "edit", row)
    if way not in MOVES:
        raise InvalidInput(f"A widget moves {', '.join(MOVES[:-1])} or {MOVES[-1]}.")
    if way in ("left", "right"):
        found = registry.get(row.plugin)
        if found is not None and not found.fits(row.hub.kind, way):
            raise InvalidInput(f"{found.label} cannot stand in the {way} column.")
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
    outbox.record(session, "hubs.widget.updated", outbox.about_widget(session, row, who.username, ["position"]))


def remove(session: Session, who: Person, row: Widget) -> None:
    """Take a widget off its hub."""
    require(who, "edit", row)
    hub = row.hub
    outbox.record(session, "hubs.widget.deleted", outbox.about_widget(session, row, who.username, []))
    hub.widgets.remove(row)
    hub.touch()
    session.flush()


def _installed(registry: Registry, plugin: str) -> WidgetType:
    found = registry.get(plugin)
    if found is None:
        raise NotFound(f"There is no widget called “{plugin}” here.")
    return found


def _label(label: str, found: WidgetType) -> str:
    label = " ".join(label.split())
    if len(label) > LABEL_LENGTH:
        raise InvalidInput("The title is too long.", {"label": f"At most {LABEL_LENGTH} characters are possible."})
    return "" if label == found.label else label


def _end(hub: Hub, side: str) -> int:
    return max((row.position for row in hub.column(side)), default=-1) + 1
