"""On which hub a person is told about a message of somebody else."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from hubs.models import Hub, Role, User, Visibility
from hubs.permissions import FOLLOWS, INSIDE


def shared(session: Session, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
    """Map pairs (agent, named user) to the named account and a hub of the agent that it follows."""
    values = {"pairs": list(pairs), "agents": [agent for agent, _ in pairs], "people": [person for _, person in pairs]}
    places: dict[tuple[str, str], tuple[int, int]] = {}
    for agent, username, user_id, hub_id in session.execute(_shared_statement(), values):
        places.setdefault((agent, username), (user_id, hub_id))
    return places


@cache
def _shared_statement() -> Select[str, str, int, int]:
    agent_user, agent_role = aliased(User), aliased(Role)
    pairs: BindParameter[Any] = bindparam("pairs", expanding=True)
    agents: BindParameter[str] = bindparam("agents", expanding=True)
    people: BindParameter[str] = bindparam("people", expanding=True)
    return (
        select(agent_user.username, User.username, User.id, Hub.id)
        .join(Role, Role.user_id == User.id)
        .join(Hub, Hub.id == Role.hub_id)
        .join(agent_role, agent_role.hub_id == Hub.id)
        .join(agent_user, agent_user.id == agent_role.user_id)
        # The names alone find the accounts by their index; the pairs keep out everybody else's combinations.
        .where(User.username.in_(people), agent_user.username.in_(agents))
        .where(tuple_(agent_user.username, User.username).in_(pairs))
        .where(User.id != agent_user.id, Hub.archived.is_(False))
        .where(agent_role.role.in_(INSIDE), Role.role.in_(FOLLOWS))
        .where(or_(Hub.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN)), Role.role.in_(INSIDE)))
        # Teams come before people's own hubs, since they say more about the context of a message.
        .order_by(Hub.kind == "user", Hub.id)
    )


def own(session: Session, people: Collection[str]) -> dict[str, tuple[int, int]]:
    """Map usernames to the account and its own hub."""
    if not people:
        return {}
    rows = session.execute(_own_statement(), {"people": list(people)})
    return {username: (user_id, hub_id) for username, user_id, hub_id in rows}


@cache
def _own_statement() -> Select[str, int, int]:
    query = select(User.username, User.id, Hub.id).join(Hub, and_(Hub.user_id == User.id, Hub.kind == "user"))
    return query.where(User.username.in_(bindparam("people", expanding=True)), Hub.archived.is_(False))
