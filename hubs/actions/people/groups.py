"""Keeps the members of teams in step with groups of the account system."""

import logging
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.models import Hub, Role, RoleName, User

log = logging.getLogger(__name__)
_warned: list[str] = []


def follow(session: Session, user: User, groups: Collection[str]) -> None:
    """Make a person a member of exactly those group-backed teams whose group is one of ``groups``.

    Groups of which none belongs to a team are more likely a claim in another form than the end of all memberships:
    they change nothing, and are logged.
    """
    backed = select(Hub).where(Hub.group_name != "", Hub.kind != "user").order_by(Hub.id)
    joined = set(session.scalars(backed.where(_belongs_to(groups))))
    if groups and not joined:
        _warn_once(", ".join(sorted(groups)[:5]))
        return
    member_of = select(Role.hub_id).where(Role.user_id == user.id, Role.role == RoleName.MEMBER)
    left = set(session.scalars(backed.where(Hub.id.in_(member_of)))) - joined
    for hub in sorted(joined | left, key=lambda hub: hub.id):
        _set(session, hub, user, belongs=hub in joined)


def changed(session: Session, group: str, username: str, *, belongs: bool) -> list[Hub]:
    """Apply that somebody joined or left a group; return the teams whose members changed.

    People without an account join the teams when they sign in for the first time.
    """
    user = session.scalar(select(User).where(User.username == username))
    if user is None or not group:
        return []
    hubs = session.scalars(select(Hub).where(_belongs_to([group]), Hub.kind != "user").order_by(Hub.id)).all()
    return [hub for hub in hubs if _set(session, hub, user, belongs=belongs)]


def _belongs_to(groups: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition on `Hub` that selects the teams of groups; Keycloak writes ``/docs`` for the group docs."""
    names = {name for group in groups if (name := group.lstrip("/"))}
    return Hub.group_name.in_([*names, *(f"/{name}" for name in names)])


def _warn_once(groups: str) -> None:
    """Log a claim without a known group, once per process: if its form is wrong, every sign-in has one."""
    if not _warned:
        _warned.append(groups)
        log.warning(
            "no group of the claim belongs to a team, so no membership was changed: %s. Compare them with the groups "
            "of teams (`group_name`), and see HUBS_OIDC_GROUPS_CLAIM",
            groups,
        )


def _set(session: Session, hub: Hub, user: User, *, belongs: bool) -> bool:
    # The change happened in the account system, so the message has no agent.
    if belongs:
        return roles.grant_role_unchecked(session, "", hub, user, RoleName.MEMBER)
    return roles.revoke_role_unchecked(session, "", hub, user, RoleName.MEMBER)
