"""Creates accounts, and grants and revokes roles."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, contains_eager

from hubs.actions import hubs, outbox
from hubs.errors import Conflict, InvalidInput, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import Hub, Role, RoleName, User
from hubs.permissions import INSIDE, Person, require, visible
from hubs.widgets.registry import Registry

#: Roles that people can take without an owner's approval.
OPEN = (RoleName.SUBSCRIBER, RoleName.STARGAZER)
_VERBS = {RoleName.SUBSCRIBER: "subscribe", RoleName.STARGAZER: "star"}


def sign_up(session: Session, registry: Registry, username: str, fullname: str = "", timezone: str = "UTC") -> User:
    """Create an account and its hub, or return the existing account."""
    user = find_account(session, username)
    if user is not None:
        return user
    clean_username(username)
    user = User(username=username, fullname=fullname, timezone=timezone)
    session.add(user)
    session.flush()
    outbox.record(session, "hubs.user.created", {"username": username})
    hubs.create(session, registry, user, "user", username, {"display_name": fullname})
    return user


def clean_username(text: str) -> str:
    """Return a username in lower case. It is also the name of the person's hub, so the same rule applies.

    :raises InvalidInput: when it cannot be part of an address.
    """
    username = text.strip()
    # Checked before lower(), which turns some other characters into ASCII letters, such as the Kelvin sign into k.
    if not hubs.is_name(username):
        raise InvalidInput(_("A username has letters, digits and . _ - only, at most 64."))
    return username.lower()


def find_account(session: Session, username: str, *conditions: ColumnElement[bool]) -> User | None:
    """Return the account with a username, else the one whose username differs only in case.

    Only accounts that meet all ``conditions`` count.
    """
    query = select(User).where(func.lower(User.username) == username.lower(), *conditions)
    return session.scalars(query.order_by(User.username != username, User.id)).first()


def display_names(session: Session, usernames: Collection[str]) -> dict[str, str]:
    """Return the names under which lists show accounts, by username: the full names of those who are listed."""
    query = select(User.username, User.fullname, User.unlisted).where(User.username.in_(usernames))
    return {row.username: (not row.unlisted and row.fullname) or row.username for row in session.execute(query)}


def account_to_grant(session: Session, person: Person, hub: Hub, username: str, role: RoleName) -> User:
    """Return the account to which ``person``, an owner of a hub, grants or offers a role.

    That is somebody whose own page the owner may see, or with a role here already. For all other names the answer is
    the same, whether or not there is such an account. What the hub allows is checked first, for the same reason: every
    person owns a hub.

    :raises InvalidInput: for a person's hub, which nobody else owns or joins.
    :raises NotFound: when there is no such account, or the owner may not see the person's page.
    """
    if hub.kind == "user" and role in INSIDE and username.lower() != hub.name.lower():
        raise _no_members(role)
    seen = select(Hub.user_id).where(Hub.kind == "user", visible(person))
    here = select(Role.user_id).where(Role.hub_id == hub.id)
    user = find_account(session, username, or_(User.id.in_(seen), User.id.in_(here)))
    if user is None:
        raise NotFound(_("You can add people whose pages you can see. Everybody else can sign in and ask to join."))
    return user


def mine(session: Session, person: Person) -> list[Role]:
    """Return a person's own roles on the hubs that they can see, by the names of the hubs."""
    query = select(Role).join(Role.hub).options(contains_eager(Role.hub)).where(Role.user_id == person.id)
    return list(session.scalars(query.where(visible(person)).order_by(Hub.kind != "user", Hub.name, Role.role)))


def take_role(session: Session, person: Person, hub: Hub, role: RoleName) -> bool:
    """Subscribe a person to a hub, or star it for them; return whether that changed anything."""
    if role not in OPEN:
        raise NotAllowed(_("Only the owners of the hub can grant this role."))
    if person.signed_in and hub.user_id == person.id:
        raise NotAllowed(_("You cannot subscribe to your own hub or star it."))
    require(person, _VERBS[role], hub)
    user = session.get_one(User, person.id)
    return _add(session, person.username, hub, user, role)


def give_role(session: Session, person: Person, hub: Hub, user: User, role: RoleName) -> bool:
    """Grant a role as an owner; return whether that changed anything."""
    require(person, "edit", hub)
    return _add(session, person.username, hub, user, role)


def drop_role(session: Session, person: Person, hub: Hub, user: User, role: RoleName) -> bool:
    """Revoke a role: people can always give up their own, owners revoke others'. Return whether it existed.

    :raises Conflict: when the hub would lose its last owner.
    """
    if user.id != person.id:
        require(person, "edit", hub)
    quiet = role in OPEN and user.id == person.id and user.quiet_unfollow
    gone = revoke_role_unchecked(session, person.username, hub, user, role, quiet=quiet)
    if gone and quiet:
        # The message contained no name, so the daemon is told separately to rebuild the person's own list.
        mine = session.scalars(select(Hub).where(Hub.user_id == user.id, Hub.kind == "user")).first()
        if mine is not None:
            body = outbox.about_hub(session, mine, person.username, changed_keys=["subscriptions"])
            outbox.record(session, "hubs.hub.updated", body, mine, quiet=True)
    return gone


def change_role(session: Session, person: Person, hub: Hub, user: User, old: RoleName, new: RoleName) -> bool:
    """Replace a person's role by another one, as an owner; return whether the person had the old one.

    :raises Conflict: when the hub would lose its last owner.
    """
    require(person, "edit", hub)
    if old == new or not _remove(session, hub, user, old):
        return False
    if session.get(Role, (hub.id, user.id, new)) is None:
        session.add(Role(hub_id=hub.id, user_id=user.id, role=new))
    session.flush()
    session.expire(hub, ["roles"])
    body = {**_about_role(session, hub, person.username, user, new), "old_role": old.value}
    outbox.record(session, "hubs.user.role.changed", body, hub)
    return True


def grant_role_unchecked(session: Session, agent: str, hub: Hub, user: User, role: RoleName) -> bool:
    """Grant a role without a permission check, which the caller has done. Return whether that changed anything."""
    return _add(session, agent, hub, user, role)


def revoke_role_unchecked(
    session: Session, agent: str, hub: Hub, user: User, role: RoleName, *, quiet: bool = False
) -> bool:
    """Revoke a role without a permission check, which the caller has done. Return whether it existed.

    :raises Conflict: when the hub would lose its last owner.
    """
    if not _remove(session, hub, user, role):
        return False
    body = _about_role(session, hub, agent, user, role)
    outbox.record(session, "hubs.user.role.removed", body, hub, quiet=quiet)
    return True


def _remove(session: Session, hub: Hub, user: User, role: RoleName) -> bool:
    # The lock serialises two owners who leave at the same time: otherwise both could see the other as remaining.
    session.execute(select(Hub.id).where(Hub.id == hub.id).with_for_update())
    row = session.get(Role, (hub.id, user.id, role), populate_existing=True)
    if row is None:
        return False
    if role == RoleName.OWNER and _owners(session, hub) <= 1:
        raise Conflict(_("%(hub)s would lose its last owner: make somebody else an owner first.") % {"hub": hub.title})
    # A flushed row, not a bulk statement: deleting it revokes the person's streams.
    session.delete(row)
    hub.touch()
    session.flush()
    session.expire(hub, ["roles"])
    return True


def _owners(session: Session, hub: Hub) -> int:
    query = select(Role.user_id).where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    return len(session.scalars(query).all())


def _add(session: Session, agent: str, hub: Hub, user: User, role: RoleName) -> bool:
    if hub.kind == "user" and (role == RoleName.MEMBER or (role == RoleName.OWNER and hub.user_id != user.id)):
        raise _no_members(role)
    if session.get(Role, (hub.id, user.id, role)) is not None:
        return False
    session.add(Role(hub_id=hub.id, user_id=user.id, role=role))
    hub.touch()
    session.flush()
    session.expire(hub, ["roles"])
    outbox.record(session, "hubs.user.role.added", _about_role(session, hub, agent, user, role), hub)
    return True


def _no_members(role: RoleName) -> InvalidInput:
    if role == RoleName.OWNER:
        return InvalidInput(_("A person's hub belongs to that person alone."))
    return InvalidInput(_("A person's hub has no members."))


def _about_role(session: Session, hub: Hub, agent: str, user: User, role: RoleName) -> dict[str, Any]:
    about = outbox.about_hub(session, hub, agent)
    return {
        "agent": agent,
        "username": user.username,
        "hub_id": hub.id,
        "hub_name": hub.name,
        "hub_url": about["hub_url"],
        "role": role.value,
    }
