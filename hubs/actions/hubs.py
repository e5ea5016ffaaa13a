"""Making and changing hubs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hubs.actions import hub_avatar, outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.models import GRID, SUMMARY_LENGTH, Banner, Hub, JoinMode, Role, RoleName, User, Visibility, Widget
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
#: Tracker accounts and contacts that a hub may name.
EXTRAS = (
    "pagure_username",
    "github_username",
    "bugzilla_email",
    "chat_nick",
    "chat",
    "calendar",
    "website",
    "mailing_list",
)
_LONG = dict.fromkeys(("description", "join_conditions"), 20_000)
_TEXTS = {"display_name": 255, "summary": SUMMARY_LENGTH, "group_name": 64, **_LONG, **dict.fromkeys(EXTRAS, 255)}

_CHOICES: Mapping[str, type[Visibility] | type[JoinMode] | type[Banner]] = {
    "visibility": Visibility,
    "join_mode": JoinMode,
    "banner": Banner,
}


def create(
    session: Session,
    registry: Registry,
    founder: User,
    kind: str,
    name: str,
    values: Mapping[str, Any] | None = None,
    layout: Sequence[tuple[str, str]] | None = None,
) -> Hub:
    """Make a hub; ``founder`` becomes its owner.

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
            _("A hub's name has letters, digits and . _ - only, at most 64."), {"name": _("Not possible.")}
        )


def update(session: Session, who: Person, hub: Hub, values: Mapping[str, Any]) -> list[str]:
    """Change a hub's record; return the names of what changed.

    ``archived`` may be changed by owners also while the hub is archived; nothing else can then.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    require(who, "own" if set(values) == {"archived"} else "edit", hub)
    if "managed_in" in values and not who.operator:
        raise NotAllowed(_("Where a hub's file is kept is said by whoever applies that file."))
    if "group_name" in values and not who.operator:
        raise NotAllowed(_("Which group a hub belongs to is said by whoever runs this instance."))
    changed = _change(hub, values)
    if changed:
        hub.touch()
        session.flush()
        body = outbox.about_hub(session, hub, who.username, changed_keys=changed)
        outbox.record(session, "hubs.hub.updated", body, hub)
    return changed


def _change(hub: Hub, values: Mapping[str, Any]) -> list[str]:
    cleaned, wrong = {}, {}
    for name, value in values.items():
        try:
            cleaned[name] = _clean(name, value)
        except InvalidInput as error:
            wrong[name] = str(error)
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    changed = []
    for name, value in cleaned.items():
        before = hub.extras.get(name, "") if name in EXTRAS else getattr(hub, name)
        if (before or "") != (value or ""):
            changed.append(name)
            if name in EXTRAS:
                hub.extras[name] = value
            else:
                setattr(hub, name, value)
    return sorted(changed)


def _clean(name: str, value: Any) -> Any:
    if name in _TEXTS:
        text = str(value or "").replace("\r\n", "\n").strip()
        if len(text) > _TEXTS[name]:
            raise InvalidInput(
                _("This is %(count)s characters long; at most %(most)s are possible.")
                % {"count": len(text), "most": _TEXTS[name]}
            )
        if "\0" in text:
            raise InvalidInput(_("This contains control characters; please remove them."))
        return text
    if name == "managed_in":
        return str(value or "").strip()[:255]
    if name == "archived":
        return bool(value)
    if name == "left_width":
        return _width(value)
    if name == "avatar":
        return hub_avatar.read(value)
    if name in _CHOICES:
        try:
            found = _CHOICES[name](value)
            return found.value if isinstance(found, Banner) else found  # that column holds plain text
        except ValueError:
            names = ", ".join(one for one in _CHOICES[name] if one)
            raise InvalidInput(_("Please choose one of: %(names)s.") % {"names": names}) from None
    raise InvalidInput(_("A hub has no such setting."))


def _width(value: Any) -> int:
    try:
        width = int(value)
    except (TypeError, ValueError):
        width = 0
    if not 1 <= width < GRID:
        raise InvalidInput(_("Please write a whole number from 1 to %(most)s.") % {"most": GRID - 1})
    return width
