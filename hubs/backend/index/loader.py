"""Loads hubs for the index as plain columns; ORM loading takes ten times as long for a million widgets.

The objects belong to no session. They have what decides which messages touch a widget: names, settings, extras, and the
roles (owners and members only, where many hubs are loaded). Their other attributes are None or empty. Yielded hubs are
valid until the next iteration, which empties their widgets and roles: else a widget that the index refers to would keep
all its neighbours in memory.
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
_WORKING_ROLES = (RoleName.OWNER, RoleName.MEMBER)
_HUB = (Hub.id, Hub.kind, Hub.name, Hub.display_name, Hub.visibility, Hub.archived, Hub.version, Hub.user_id)
_WIDGET = (Widget.id, Widget.hub_id, Widget.plugin, Widget.label, Widget.side, Widget.position, Widget.version)
# As text, which avoids the conversion by the driver; most settings are empty.
_EXTRAS = cast(Hub.extras, Text).label("extras")
_SETTINGS = cast(Widget.settings, Text).label("settings")
_HUB_NAMES = [*(column.key for column in _HUB), "extras"]
_WIDGET_NAMES = [*(column.key for column in _WIDGET), "settings"]


def iter_batches(database: Database) -> Iterator[list[Hub]]:
    """Yield all hubs with widgets and roles in batches, each read in a transaction of its own.

    One long transaction would keep PostgreSQL from removing dead rows meanwhile.
    """
    last = 0
    while True:
        with database.session() as session:
            hubs = _load(session, Hub.id > last)
        if not hubs:
            return
        yield hubs
        last = hubs[-1].id
        _detach(hubs)


def changed(session: Session, ids: Iterable[int]) -> Iterator[Hub]:
    """Yield those of the hubs ``ids`` that exist, with widgets and roles."""
    in_order = sorted(ids)
    for start in range(0, len(in_order), CHUNK):
        hubs = _load(session, Hub.id.in_(in_order[start : start + CHUNK]))
        yield from hubs
        _detach(hubs)


def load(session: Session, hub_id: int) -> Hub | None:
    """Return a hub with widgets and all its roles, or None when it no longer exists."""
    return next(iter(_load(session, Hub.id == hub_id, tuple(RoleName))), None)


def _load(session: Session, condition: ColumnElement[bool], roles: Sequence[RoleName] = _WORKING_ROLES) -> list[Hub]:
    hub_query = select(*_HUB, _EXTRAS).where(condition).order_by(Hub.id).limit(CHUNK)
    hubs = {row.id: _hub(row) for row in session.execute(hub_query)}
    if not hubs:
        return []
    widgets = select(*_WIDGET, _SETTINGS).where(Widget.hub_id.in_(hubs))
    for row in session.execute(widgets.order_by(Widget.hub_id, Widget.side, Widget.position, Widget.id)):
        _add_widget(hubs[row.hub_id], row)
    query = select(Role.hub_id, Role.user_id, Role.role, User.username).join(User)
    conditions = Role.hub_id.in_(hubs), Role.role.in_(roles)
    for hub_id, user_id, role, username in session.execute(query.where(*conditions)):
        _add_role(hubs[hub_id], user_id, role, username)
    return list(hubs.values())


def _detach(hubs: Iterable[Hub]) -> None:
    for hub in hubs:
        hub.__dict__.update(widgets=[], roles=[])


def _hub(row: Any) -> Hub:
    # Setting attributes would go through the ORM's instrumentation, which costs more than all the rest.
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
    value = json.loads(text) if text and text != "{}" else {}
    return value if isinstance(value, dict) else {}
