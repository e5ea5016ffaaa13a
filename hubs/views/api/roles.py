"""Roles in the API: who is in a hub, giving and taking roles, and one's own."""

from typing import Any

from marshmallow import fields
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from hubs.actions.people import membership
from hubs.actions.people import roles as role_actions
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Role, RoleName, User
from hubs.permissions import INSIDE, can, require
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import current_person, db, find_hub

room = ApiBlueprint("Roles", __name__, "Who is what to a hub.")
ONE = f"{HUB}/roles/<username>/<any({', '.join(RoleName)}):role>"


class RoleQuery(PageQuery):
    """Which roles to list."""

    role = fields.String(load_default="", metadata={"enum": ["", *INSIDE], "description": "Only these."})


@room.get_one(f"{HUB}/roles", schemas.RolePage, 400, 404)
@room.arguments(RoleQuery, location="query")
def roles(query: dict[str, Any], space: str, name: str) -> Any:
    """List owners and members, and your own roles.

    Members who want to be left out of lists are, but for the owners of the hub.
    """
    hub, limit = find_hub(space, name), query["limit"]
    if query["role"] not in ("", *INSIDE):
        raise InvalidInput(
            _("There is no list of these."),
            {"role": _("Please choose one of: %(names)s.") % {"names": ", ".join(INSIDE)}},
        )
    own = Role.user_id == current_person().id
    found = select(Role).join(Role.user).options(contains_eager(Role.user)).where(Role.hub_id == hub.id)
    found = found.where(Role.role == query["role"] if query["role"] else or_(Role.role.in_(INSIDE), own))
    if not can(current_person(), "edit", hub):
        found = found.where(or_(User.unlisted.is_(False), Role.role == RoleName.OWNER, own))
    start = after(query["cursor"], str, str)
    if start:
        later = (User.username == start[0]) & (Role.role > start[1])
        found = found.where(or_(User.username > start[0], later))
    rows = list(db().scalars(found.order_by(User.username, Role.role).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return page([_describe(row) for row in rows[:limit]], limit, (last.user.username, last.role) if last else None)


@room.act("PUT", ONE, 200, schemas.Outcome, 404, 409)
def give(space: str, name: str, username: str, role: str) -> Any:
    """Give a role: owners make others owners or members; you subscribe, star, and ask to be a member yourself.

    `requested` is answered where the owners must approve it first.
    """
    hub, wanted = find_hub(space, name), RoleName(role)
    if wanted in role_actions.OPEN and username == current_person().username:
        role_actions.take_role(db(), current_person(), hub, wanted)
    elif wanted in role_actions.OPEN:
        raise InvalidInput(_("One subscribes to a hub or stars it oneself."))
    elif wanted == RoleName.MEMBER and username == current_person().username and can(current_person(), "join", hub):
        if not membership.join(db(), current_person(), hub):
            db().commit()
            return {"state": "requested"}
    else:
        require(current_person(), "edit", hub)
        role_actions.give_role(db(), current_person(), hub, _user(username), wanted)
    db().commit()
    return {"state": "given"}


@room.act("DELETE", ONE, 204, None, 404, 409)
def take(space: str, name: str, username: str, role: str) -> Any:
    """Take a role: your own always, another's as an owner. A hub never loses its last owner."""
    hub = find_hub(space, name)
    if username != current_person().username:
        require(current_person(), "edit", hub)
    user = _user(username)
    if not role_actions.drop_role(db(), current_person(), hub, user, RoleName(role)):
        raise NotFound(_("%(username)s does not have this role here.") % {"username": username})
    db().commit()


def _user(username: str) -> User:
    user = db().scalar(select(User).where(User.username == username))
    if user is None:
        raise NotFound(_("There is no account of that name here. Whoever it is must sign in once first."))
    return user


def _describe(row: Role) -> dict[str, Any]:
    user = row.user
    return {"username": user.username, "fullname": user.fullname, "role": row.role.value, "since": row.created_on}
