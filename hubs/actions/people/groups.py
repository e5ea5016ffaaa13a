"""Keeps the members of teams in step with groups of the account system."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.models import Hub, Role, RoleName, User


def follow(session: Session, user: User, groups: Collection[str]) -> None:
    """Make a person a member of exactly those group-backed teams whose group is one of ``groups``."""
    backed = select(Hub).where(Hub.group_name != "", Hub.kind != "user")
    joined = set(session.scalars(select(Role.hub_id).where(Role.user_id == user.id, Role.role == RoleName.MEMBER)))
    for hub in session.scalars(backed.where(Hub.group_name.in_(groups) | Hub.id.in_(joined)).order_by(Hub.id)):
        _set(session, hub, user, belongs=hub.group_name in groups)


def changed(session: Session, group: str, username: str, *, belongs: bool) -> list[Hub]:
    """Apply that somebody joined or left a group; return the teams whose members changed.

    People without an account join the teams when they sign in for the first time.
    """
    user = session.scalar(select(User).where(User.username == username))
    if user is None or not group:
        return []
    hubs = session.scalars(select(Hub).where(Hub.group_name == group, Hub.kind != "user").order_by(Hub.id)).all()
    return [hub for hub in hubs if _set(session, hub, user, belongs=belongs)]


def _set(session: Session, hub: Hub, user: User, *, belongs: bool) -> bool:
    # The change happened in the account system, so the message has no agent.
    if belongs:
        return roles.grant_role_unchecked(session, "", hub, user, RoleName.MEMBER)
    return roles.revoke_role_unchecked(session, "", hub, user, RoleName.MEMBER)
