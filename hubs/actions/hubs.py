"""Creates and changes hubs."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hubs.actions import outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.models import Hub, Role, RoleName, User, Widget
from hubs.models.hub_fields import HUB_FIELDS, HubField
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: The (column, widget) pairs of a new hub, by kind, unless the settings name others.
DEFAULT_WIDGETS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "user": (
        ("left", "feed"),
        ("left", "activity"),
        ("right", "stats"),
        ("right", "contact"),
        ("right", "subscriptions"),
    ),
    "team": (
        ("left", "sticky"),
        ("left", "feed"),
        ("right", "stats"),
        ("right", "rules"),
        ("right", "contact"),
        ("right", "library"),
        ("right", "members"),
    ),
}
#: Kinds of fields whose values the audit log records. Texts are left out: they may be long, and of a person.
AUDITED = ("choice", "number", "switch")
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

    ``layout`` lists (column, widget) pairs from the top; None means the default widgets of the kind. Widgets that are
    not installed, or whose service this instance does not use, are left out.

    :raises InvalidInput: for a name that cannot be part of an address.
    :raises Conflict: when the name is taken.
    """
    check_name(name)
    if similar(session, kind, name) is not None:
        raise taken(name)
    hub = Hub(kind=kind, name=name, user=founder if kind == "user" else None, version=1, extras={}, managed_in="")
    _change(hub, values or {})
    for side, plugin in default_layout(registry, kind) if layout is None else layout:
        if registry.offers(plugin):
            place = len(hub.widgets)
            row = Widget(key=plugin, plugin=plugin, side=side, position=place, settings={}, version=1)
            hub.widgets.append(row)
    hub.roles.append(Role(user=founder, role=RoleName.OWNER))
    session.add(hub)
    write_name(session, kind, name)
    outbox.record(session, "hubs.hub.created", outbox.about_hub(session, hub, founder.username), hub)
    return hub


def default_layout(registry: Registry, kind: str) -> Sequence[tuple[str, str]]:
    """Return the (column, widget) pairs of a new hub: those of the settings, else ours."""
    kind = kind if kind in DEFAULT_WIDGETS else "team"
    return registry.layouts.get(kind) or DEFAULT_WIDGETS[kind]


def at_address(session: Session, kind: str, name: str) -> Hub | None:
    """Return the hub at the address of this kind and name; all kinds but people's own share one namespace."""
    same_address = Hub.kind == "user" if kind == "user" else Hub.kind != "user"
    return session.scalars(select(Hub).where(same_address, Hub.name == name)).first()


def similar(session: Session, kind: str, name: str, besides: Hub | None = None) -> Hub | None:
    """Return a hub whose address differs from that of this kind and name only in case, or not at all."""
    query = select(Hub).where(_space(kind), func.lower(Hub.name) == name.lower())
    if besides is not None:
        query = query.where(Hub.id != besides.id)
    return session.scalars(query.order_by(Hub.name != name, Hub.id)).first()


def _space(kind: str) -> ColumnElement[bool]:
    return Hub.kind == "user" if kind == "user" else Hub.kind != "user"


def taken(name: str) -> Conflict:
    """Return the error for a name that is taken. It says nothing about the hub, which may be hidden."""
    return Conflict(_("The name %(name)s is taken.") % {"name": name})


def write_name(session: Session, kind: str, name: str) -> None:
    """Flush a change that gives a hub its name.

    :raises Conflict: when a concurrent transaction took the name; then the whole transaction is rolled back.
    """
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        if similar(session, kind, name) is None:
            raise
        raise taken(name) from None


def is_name(name: str) -> bool:
    """Return whether a name can be part of an address."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Check that a name can be part of an address.

    :raises InvalidInput: when it cannot.
    """
    if not is_name(name):
        raise InvalidInput(
            _("A hub's name has letters, digits and . _ - only, at most 64."),
            {"name": _("Use at most 64 letters, digits and . _ - only.")},
        )


def update(session: Session, person: Person, hub: Hub, values: Mapping[str, Any]) -> list[str]:
    """Change a hub's record; return the names of the fields that changed.

    Of an archived hub, owners can change ``archived`` only.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    fields = [_FIELDS[name] for name in values if name in _FIELDS]
    require(person, "own" if fields and all(field.permission == "own" for field in fields) else "edit", hub)
    operated = [_(field.label) for field in fields if field.permission == "operate"]
    if operated and not person.operator:
        raise NotAllowed(_("Only operators of this instance can change: %(names)s.") % {"names": ", ".join(operated)})
    before = {field.name: field.get(hub) for field in fields if field.kind in AUDITED}
    changed = _change(hub, values)
    if changed:
        hub.touch()
        session.flush()
        body = outbox.about_hub(session, hub, person.username, changed_keys=changed)
        recorded = {name: [before[name], _FIELDS[name].get(hub)] for name in changed if name in before}
        outbox.record(session, "hubs.hub.updated", body, hub, detail={"values": recorded} if recorded else None)
    return changed


def _change(hub: Hub, values: Mapping[str, Any]) -> list[str]:
    cleaned: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in values.items():
        try:
            if name not in _FIELDS:
                raise InvalidInput(_("Hubs have no such setting."))
            cleaned[name] = _FIELDS[name].clean(value)
        except InvalidInput as error:
            errors[name] = str(error)
    if errors:
        raise InvalidInput(_("Some fields need your attention."), errors)
    changed = [name for name, value in cleaned.items() if _FIELDS[name].get(hub) != value]
    for name in changed:
        _FIELDS[name].set(hub, cleaned[name])
    return sorted(changed)
