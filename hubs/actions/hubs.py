"""Creates and changes hubs."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.models import Hub, Role, RoleName, User, Widget
from hubs.models.hub_fields import HUB_FIELDS, HubField
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry

_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$", re.IGNORECASE)
#: What a new hub shows.
DEFAULT_WIDGETS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "user": (
        ("left", "feed"),
        ("left", "activity"),
        ("right", "stats"),
        ("right", "subscriptions"),
        ("right", "badges"),
        ("right", "updates"),
    ),
    "team": (
        ("left", "sticky"),
        ("left", "feed"),
        ("right", "stats"),
        ("right", "rules"),
        ("right", "meetings"),
        ("right", "members"),
    ),
}
_FIELDS: Mapping[str, HubField] = MappingProxyType({field.name: field for field in HUB_FIELDS})


def create(
    session: Session,
    registry: Registry,
    founder: User,
    kind: str,
    name: str,
    values: Mapping[str, Any] | None = None,
    layout: Sequence[tuple[str, str]] | None = None,
) -> Hub:
    """Create a hub; ``founder`` becomes its owner.

    ``layout`` lists (column, widget) from the top; None means the default widgets of the kind. Widgets that are not
    installed are left out.

    :raises InvalidInput: for a name that cannot be part of an address.
    :raises Conflict: when the name is taken.
    """
    check_name(name)
    if (there := at_address(session, kind, name)) is not None:
        raise taken(there)
    hub = Hub(kind=kind, name=name, user=founder if kind == "user" else None, version=1, extras={}, managed_in="")
    _change(hub, values or {})
    for side, plugin in DEFAULT_WIDGETS.get(kind, DEFAULT_WIDGETS["team"]) if layout is None else layout:
        if registry.get(plugin) is not None:
            place = len(hub.widgets)
            row = Widget(key=plugin, plugin=plugin, side=side, position=place, settings={}, version=1)
            hub.widgets.append(row)
    hub.roles.append(Role(user=founder, role=RoleName.OWNER))
    session.add(hub)
    write_name(session, kind, name)
    outbox.record(session, "hubs.hub.created", outbox.about_hub(session, hub, founder.username), hub)
    return hub


def at_address(session: Session, kind: str, name: str) -> Hub | None:
    """Return the hub that is where one of this kind and name would be: all kinds but people's own share their names."""
    space = Hub.kind == "user" if kind == "user" else Hub.kind != "user"
    return session.scalars(select(Hub).where(space, Hub.name == name)).first()


def taken(there: Hub) -> Conflict:
    """Return the error that says that a name is taken, and by what."""
    return Conflict(_("There is a %(kind)s hub called %(name)s already.") % {"kind": there.kind, "name": there.name})


def write_name(session: Session, kind: str, name: str) -> None:
    """Flush what gives a hub its name.

    :raises Conflict: when somebody else took it at the same moment; then all of the transaction is rolled back.
    """
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        if (there := at_address(session, kind, name)) is None:
            raise
        raise taken(there) from None


def check_name(name: str) -> None:
    """Raise for a name that cannot be part of an address.

    :raises InvalidInput: saying what can.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            _("A hub's name has letters, digits and . _ - only, at most 64."),
            {"name": _("Use at most 64 letters, digits and . _ - only.")},
        )


def update(session: Session, who: Person, hub: Hub, values: Mapping[str, Any]) -> list[str]:
    """Change a hub's record; return the names of what changed.

    ``archived`` may be changed by owners also while the hub is archived; nothing else can then.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    fields = [_FIELDS[name] for name in values if name in _FIELDS]
    require(who, "own" if fields and all(field.permission == "own" for field in fields) else "edit", hub)
    operated = [_(field.label) for field in fields if field.permission == "operate"]
    if operated and not who.operator:
        raise NotAllowed(_("Only operators of this instance can change: %(names)s.") % {"names": ", ".join(operated)})
    changed = _change(hub, values)
    if changed:
        hub.touch()
        session.flush()
        body = outbox.about_hub(session, hub, who.username, changed_keys=changed)
        outbox.record(session, "hubs.hub.updated", body, hub)
    return changed


def _change(hub: Hub, values: Mapping[str, Any]) -> list[str]:
    cleaned: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in values.items():
        try:
            if name not in _FIELDS:
                raise InvalidInput(_("Hubs have no such setting."))
            cleaned[name] = _FIELDS[name].clean(value)
        except InvalidInput as error:
            wrong[name] = str(error)
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    changed = [name for name, value in cleaned.items() if _FIELDS[name].get(hub) != value]
    for name in changed:
        _FIELDS[name].set(hub, cleaned[name])
    return sorted(changed)
