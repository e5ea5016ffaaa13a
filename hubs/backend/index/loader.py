"""Hubs as the index needs them, read by columns: the mapper takes ten times as long for a million widgets.

The objects belong to no session. They carry what can make a widget stale: names, settings and extras, and of the roles
only owners and members where many hubs are read. Their other attributes are None or empty. What is yielded is good
until the next is asked for: then hubs let go of their widgets and roles, so that a widget that somebody keeps does not
keep all its neighbours.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, select
from sqlalchemy.orm import Session

from hubs.models import Database, Hub, Role, RoleName, User, Widget

#: Hubs read in one transaction.
CHUNK = 500

#: Roles whose holders' messages touch a team.
_WORKING = (RoleName.OWNER, RoleName.MEMBER)
_HUB = (Hub.id, Hub.kind, Hub.name, Hub.display_name, Hub.visibility, Hub.archived, Hub.version, Hub.user_id)
_WIDGET = (Widget.id, Widget.hub_id, Widget.plugin, Widget.label, Widget.side, Widget.position, Widget.version)
# Text spares the conversion of the driver; most settings are empty.
_EXTRAS = cast(Hub.extras, Text).label("extras")
_SETTINGS = cast(Widget.settings, Text).label("settings")
_HUB_NAMES = [*(column.key for column in _HUB), "extras"]
_WIDGET_NAMES = [*(column.key for column in _WIDGET), "settings"]


def iter_batches(database: Database) -> Iterator[list[Hub]]:
    """Yield all hubs with widgets and roles, some hundred at a time, each lot in a transaction of its own."""
    last = 0
    while True:
        with database.session() as session:
            hubs = _some(session, Hub.id > last)
        if not hubs:
            return
        yield hubs
        last = hubs[-1].id
        _detach(hubs)


def changed(session: Session, ids: Iterable[int]) -> Iterator[Hub]:
    """Yield those of the hubs ``ids`` that there are, with widgets and roles."""
    wanted = sorted(ids)
    for start in range(0, len(wanted), CHUNK):
        hubs = _some(session, Hub.id.in_(wanted[start : start + CHUNK]))
        yield from hubs
        _detach(hubs)


def one(session: Session, hub_id: int) -> Hub | None:
    """Return a hub with widgets and all its roles, or None when it is gone."""
    return next(iter(_some(session, Hub.id == hub_id, tuple(RoleName))), None)


def _some(session: Session, which: ColumnElement[bool], names: Sequence[RoleName] = _WORKING) -> list[Hub]:
    query = select(*_HUB, _EXTRAS).where(which).order_by(Hub.id).limit(CHUNK)
    hubs = {row.id: _hub(row) for row in session.execute(query)}
    if not hubs:
        return []
    widgets = select(*_WIDGET, _SETTINGS).where(Widget.hub_id.in_(hubs))
    for row in session.execute(widgets.order_by(Widget.hub_id, Widget.side, Widget.position, Widget.id)):
        _add_widget(hubs[row.hub_id], row)
    roles = select(Role.hub_id, Role.user_id, Role.role, User.username).join(User)
    within = Role.hub_id.in_(hubs), Role.role.in_(names)
    for hub_id, user_id, role, username in session.execute(roles.where(*within)):
        _add_role(hubs[hub_id], user_id, role, username)
    return list(hubs.values())


def _detach(hubs: Iterable[Hub]) -> None:
    for hub in hubs:
        hub.__dict__.update(widgets=[], roles=[])


def _hub(row: Any) -> Hub:
    # Values go past the instrumentation of the mapper, which would cost more than all the rest.
    hub = Hub()
    hub.__dict__.update(zip(_HUB_NAMES, row, strict=True), extras=_json(row.extras), widgets=[], roles=[])
    return hub


def _add_widget(hub: Hub, row: Any) -> None:
    widget = Widget()
    widget.__dict__.update(zip(_WIDGET_NAMES, row, strict=True), settings=_json(row.settings), hub=hub)
    hub.__dict__["widgets"].append(widget)


def _add_role(hub: Hub, user_id: int, name: RoleName, username: str) -> None:
    user, role = User(), Role()
    user.__dict__.update(id=user_id, username=username)
    role.__dict__.update(hub_id=hub.id, user_id=user_id, role=name, user=user, hub=hub)
    hub.__dict__["roles"].append(role)


def _json(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text and text != "{}" else {}
    return found if isinstance(found, dict) else {}
