"""Applies a document to its hub: from a file, a draft, or an older revision."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs, widgets
from hubs.actions.layout import diff, documents
from hubs.actions.layout.diff import Change
from hubs.actions.layout.documents import SIDES, HubDocument, WidgetDocument
from hubs.actions.people import roles
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub, RoleName, User, Widget
from hubs.models.hub_fields import HUB_FIELDS
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry


def apply(session: Session, registry: Registry, who: Person, hub: Hub, wanted: HubDocument) -> list[Change]:
    """Change a hub, its widgets and, where the document names them, its people; return what was changed.

    Everything happens in the caller's transaction: an error leaves the hub as it was, and rolling back makes it a
    rehearsal.

    :raises InvalidInput: naming every place of the document that does not fit.
    """
    before = documents.describe(hub, registry, people=True)
    require(who, "own", hub)
    if hub.archived and not wanted.value("archived"):
        hubs.update(session, who, hub, {"archived": False})
    _record(session, who, hub, wanted)
    _layout(session, registry, who, hub, wanted)
    for name, role in (("owners", RoleName.OWNER), ("members", RoleName.MEMBER)):
        if (usernames := getattr(wanted, name)) is not None:
            _people(session, who, hub, role, usernames)
    if wanted.value("archived") and not hub.archived:
        hubs.update(session, who, hub, {"archived": True})
    return diff.between(before, documents.describe(hub, registry, people=True))


def found(session: Session, registry: Registry, wanted: HubDocument) -> Hub:
    """Return the hub that a document names; create it for the first of its owners if it does not exist.

    :raises InvalidInput: when the hub does not exist and none of the named owners has an account.
    :raises Conflict: when a hub of another kind is at its address.
    """
    hub = hubs.at_address(session, wanted.kind, wanted.hub)
    if hub is not None and hub.kind != wanted.kind:
        raise hubs.taken(hub)
    if hub is not None and hub.deleted_on is not None:
        raise InvalidInput(f"The hub {wanted.hub} is deleted. An owner can bring it back on the page “My account”.")
    if hub is not None:
        return hub
    if not wanted.owners:
        raise InvalidInput(
            _("There is no hub %(hub)s yet. To create it, name its owners: `owners: [somebody]`.") % {"hub": wanted.hub}
        )
    founder = _accounts(session, wanted.owners[:1])[0]
    return hubs.create(session, registry, founder, wanted.kind, wanted.hub, layout=())


def _record(session: Session, who: Person, hub: Hub, wanted: HubDocument) -> None:
    values = wanted.record()
    if who.operator:
        values |= {field.name: wanted.value(field.name) for field in HUB_FIELDS if field.permission == "operate"}
    now = {field.name: field.get(hub) for field in HUB_FIELDS}
    different = {name: value for name, value in values.items() if now[name] != value}
    if different:
        hubs.update(session, who, hub, different)


def _layout(session: Session, registry: Registry, who: Person, hub: Hub, wanted: HubDocument) -> None:
    there = {row.key: row for row in hub.widgets}
    named = {one.id: one for side in SIDES for one in getattr(wanted.widgets, side)}
    for key, row in list(there.items()):
        if key not in named or named[key].widget != row.plugin:
            widgets.remove(session, registry, who, there.pop(key))
    wrong: dict[str, str] = {}
    columns: dict[str, list[Widget]] = {side: [] for side in SIDES}
    for side in SIDES:
        for one in getattr(wanted.widgets, side):
            try:
                columns[side].append(_widget(session, registry, who, hub, there.get(one.id), one, side))
            except InvalidInput as error:
                texts: Iterable[tuple[str, str]] = error.fields.items() or (("", str(error)),)
                wrong.update({f"{one.id}, {name}" if name else one.id: text for name, text in texts})
    if wrong:
        listed = "; ".join(f"{place}: {reason}" for place, reason in wrong.items())
        raise InvalidInput(_("Some widgets cannot be created. %(listed)s") % {"listed": listed}, wrong)
    widgets.arrange(session, registry, who, hub, columns)


def _widget(
    session: Session, registry: Registry, who: Person, hub: Hub, row: Widget | None, one: WidgetDocument, side: str
) -> Widget:
    if row is None:
        return widgets.add(
            session, registry, who, hub, one.widget, side, one.settings, one.title, one.id, one.visibility
        )
    if registry.get(one.widget) is not None:
        # Secrets, which no document holds, stay as they are.
        widgets.update(session, registry, who, row, one.settings, one.title, visibility=one.visibility)
    return row


def _people(session: Session, who: Person, hub: Hub, role: RoleName, usernames: list[str]) -> None:
    users = _accounts(session, usernames)
    for user in users:  # the new ones first, so that a hub is never without an owner
        roles.give_role(session, who, hub, user, role)
    for user in [one for one in hub.people(role) if one.username not in set(usernames)]:
        roles.drop_role(session, who, hub, user, role)


def _accounts(session: Session, usernames: list[str]) -> list[User]:
    users = {user.username: user for user in session.scalars(select(User).where(User.username.in_(usernames)))}
    unknown = sorted(set(usernames) - set(users))
    if unknown:
        raise InvalidInput(
            _("There is no account called %(names)s. Accounts are created when people sign in for the first time.")
            % {"names": ", ".join(unknown)}
        )
    return [users[username] for username in dict.fromkeys(usernames)]
