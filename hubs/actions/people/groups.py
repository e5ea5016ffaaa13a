"""Teams that are groups of the account system: their members follow the group's."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.models import Hub, Role, RoleName, User


def follow(session: Session, user: User, groups: Collection[str]) -> None:
    """Make a person a member of the teams of these groups, and of no other team that belongs to a group."""
    backed = select(Hub).where(Hub.group_name != "", Hub.kind != "user")
    joined = set(session.scalars(select(Role.hub_id).where(Role.user_id == user.id, Role.role == RoleName.MEMBER)))
    for hub in session.scalars(backed.where(Hub.group_name.in_(groups) | Hub.id.in_(joined)).order_by(Hub.id)):
        _set(session, hub, user, belongs=hub.group_name in groups)


def changed(session: Session, group: str, username: str, *, belongs: bool) -> list[Hub]:
    """Note that somebody entered or left a group; return the teams whose members that changed.

    Who has no account here yet comes to the teams at the first sign-in.
    """
    user = session.scalar(select(User).where(User.username == username))
    if user is None or not group:
        return []
    hubs = session.scalars(select(Hub).where(Hub.group_name == group, Hub.kind != "user").order_by(Hub.id)).all()
    return [hub for hub in hubs if _set(session, hub, user, belongs=belongs)]


def _set(session: Session, hub: Hub, user: User, *, belongs: bool) -> bool:
    # Nobody here did it, so the message names no agent.
    if belongs:
        return roles.grant_role_unchecked(session, "", hub, user, RoleName.MEMBER)
    return roles.revoke_role_unchecked(session, "", hub, user, RoleName.MEMBER)
