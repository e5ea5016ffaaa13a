"""Accounts, and the roles that people take and give up."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs, outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed
from hubs.i18n import _
from hubs.models import Hub, Role, RoleName, User
from hubs.permissions import Person, require
from hubs.widgets.registry import Registry

#: Roles that everybody may take at once.
OPEN = (RoleName.SUBSCRIBER, RoleName.STARGAZER)
_VERBS = {RoleName.SUBSCRIBER: "subscribe", RoleName.STARGAZER: "star"}


def sign_up(session: Session, registry: Registry, username: str, fullname: str = "", timezone: str = "UTC") -> User:
    """Make an account and its hub, or return the account that there is."""
    user = session.scalar(select(User).where(User.username == username))
    if user is not None:
        return user
    user = User(username=username, fullname=fullname, timezone=timezone)
    session.add(user)
    session.flush()
    outbox.record(session, "hubs.user.created", {"username": username})
    hubs.create(session, registry, user, "user", username, {"display_name": fullname})
    return user


def take_role(session: Session, who: Person, hub: Hub, role: RoleName) -> bool:
    """Let a person subscribe to a hub or star it; return whether that changed anything."""
    if role not in OPEN:
        raise NotAllowed(_("Only the owners of the hub can grant this role."))
    require(who, _VERBS[role], hub)
    user = session.get_one(User, who.id)
    return _add(session, who.username, hub, user, role)


def give_role(session: Session, who: Person, hub: Hub, user: User, role: RoleName) -> bool:
    """Let an owner give a role to somebody; return whether that changed anything."""
    require(who, "edit", hub)
    return _add(session, who.username, hub, user, role)


def drop_role(session: Session, who: Person, hub: Hub, user: User, role: RoleName) -> bool:
    """Take a role from a person: one's own always, another's as an owner; return whether there was one.

    :raises Conflict: when the hub would lose its last owner.
    """
    if user.id != who.id:
        require(who, "edit", hub)
    quiet = role in OPEN and user.id == who.id and user.quiet_unfollow
    gone = revoke_role_unchecked(session, who.username, hub, user, role, quiet=quiet)
    if gone and quiet:
        # The message named nobody: the person's own list is told of without saying what changed in it.
        mine = session.scalars(select(Hub).where(Hub.user_id == user.id, Hub.kind == "user")).first()
        if mine is not None:
            body = outbox.about_hub(session, mine, who.username, changed_keys=["subscriptions"])
            outbox.record(session, "hubs.hub.updated", body, mine, quiet=True)
    return gone


def change_role(session: Session, who: Person, hub: Hub, user: User, old: RoleName, new: RoleName) -> bool:
    """Let an owner give a person another role in the place of one; return whether the person had the old one.

    :raises Conflict: when the hub would lose its last owner.
    """
    require(who, "edit", hub)
    if old == new or not _remove(session, hub, user, old):
        return False
    if session.get(Role, (hub.id, user.id, new)) is None:
        session.add(Role(hub_id=hub.id, user_id=user.id, role=new))
    session.flush()
    session.expire(hub, ["roles"])
    body = {**_about_role(session, hub, who.username, user, new), "old_role": old.value}
    outbox.record(session, "hubs.user.role.changed", body, hub)
    return True


def grant_role_unchecked(session: Session, agent: str, hub: Hub, user: User, role: RoleName) -> bool:
    """Give a role without asking who may: for what was decided elsewhere. Return whether that changed anything."""
    return _add(session, agent, hub, user, role)


def revoke_role_unchecked(
    session: Session, agent: str, hub: Hub, user: User, role: RoleName, *, quiet: bool = False
) -> bool:
    """Take a role without asking who may: for what was decided elsewhere. Return whether there was one.

    :raises Conflict: when the hub would lose its last owner.
    """
    if not _remove(session, hub, user, role):
        return False
    body = _about_role(session, hub, agent, user, role)
    outbox.record(session, "hubs.user.role.removed", body, hub, quiet=quiet)
    return True


def _remove(session: Session, hub: Hub, user: User, role: RoleName) -> bool:
    # Two owners who leave at the same moment must not both find the other still there.
    session.execute(select(Hub.id).where(Hub.id == hub.id).with_for_update())
    row = session.get(Role, (hub.id, user.id, role), populate_existing=True)
    if row is None:
        return False
    if role == RoleName.OWNER and _owners(session, hub) <= 1:
        raise Conflict(_("%(hub)s would lose its last owner: make somebody else an owner first.") % {"hub": hub.title})
    session.delete(row)
    hub.touch()
    session.flush()
    session.expire(hub, ["roles"])
    return True


def _owners(session: Session, hub: Hub) -> int:
    query = select(Role.user_id).where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    return len(session.scalars(query).all())


def _add(session: Session, agent: str, hub: Hub, user: User, role: RoleName) -> bool:
    if hub.kind == "user" and role == RoleName.MEMBER:
        raise InvalidInput(_("A person's hub has no members."))
    if hub.kind == "user" and role == RoleName.OWNER and hub.user_id != user.id:
        raise InvalidInput(_("A person's hub belongs to that person alone."))
    if session.get(Role, (hub.id, user.id, role)) is not None:
        return False
    session.add(Role(hub_id=hub.id, user_id=user.id, role=role))
    hub.touch()
    session.flush()
    session.expire(hub, ["roles"])
    outbox.record(session, "hubs.user.role.added", _about_role(session, hub, agent, user, role), hub)
    return True


def _about_role(session: Session, hub: Hub, agent: str, user: User, role: RoleName) -> dict[str, str]:
    about = outbox.about_hub(session, hub, agent)
    return {
        "agent": agent,
        "username": user.username,
        "hub_name": hub.name,
        "hub_url": about["hub_url"],
        "role": role.value,
    }
