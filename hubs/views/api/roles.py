"""Roles in the API: list the people of a hub, grant and revoke roles."""

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

blueprint = ApiBlueprint("Roles", __name__, "Owners, members, subscribers and stargazers of a hub.")
ONE = f"{HUB}/roles/<username>/<any({', '.join(RoleName)}):role>"


class RoleQuery(PageQuery):
    """Filters of the list of roles."""

    role = fields.String(load_default="", metadata={"enum": ["", *INSIDE], "description": "Only these."})


@blueprint.read(f"{HUB}/roles", schemas.RolePage, 400, 404)
@blueprint.arguments(RoleQuery, location="query")
def roles(query: dict[str, Any], space: str, name: str) -> Any:
    """List owners and members, and your own roles.

    Members who opted out of lists are visible to the owners of the hub only.
    """
    hub, limit = find_hub(space, name), query["limit"]
    if query["role"] not in ("", *INSIDE):
        raise InvalidInput(
            _("There is no list of this role."),
            {"role": _("Please choose one of: %(names)s.") % {"names": ", ".join(INSIDE)}},
        )
    own = Role.user_id == current_person().id
    statement = select(Role).join(Role.user).options(contains_eager(Role.user)).where(Role.hub_id == hub.id)
    statement = statement.where(Role.role == query["role"] if query["role"] else or_(Role.role.in_(INSIDE), own))
    if not can(current_person(), "edit", hub):
        statement = statement.where(or_(User.unlisted.is_(False), Role.role == RoleName.OWNER, own))
    start = after(query["cursor"], str, str)
    if start:
        later = (User.username == start[0]) & (Role.role > start[1])
        statement = statement.where(or_(User.username > start[0], later))
    rows = list(db().scalars(statement.order_by(User.username, Role.role).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return page([_describe(row) for row in rows[:limit]], limit, (last.user.username, last.role) if last else None)


@blueprint.write("PUT", ONE, 200, schemas.Outcome, 404, 409)
def give(space: str, name: str, username: str, role: str) -> Any:
    """Grant a role: owners make others owners or members; you can subscribe, star and ask to join for yourself.

    The state is `requested` if the owners must approve it first.
    """
    hub, requested, person = find_hub(space, name), RoleName(role), current_person()
    if requested in role_actions.OPEN and username == person.username:
        role_actions.take_role(db(), person, hub, requested)
    elif requested in role_actions.OPEN:
        raise InvalidInput(_("Only the person can subscribe or star."))
    elif requested == RoleName.MEMBER and username == person.username and can(person, "join", hub):
        if not membership.join(db(), person, hub):
            db().commit()
            return {"state": "requested"}
    else:
        require(person, "edit", hub)
        user = role_actions.account_to_grant(db(), person, hub, username, requested)
        role_actions.give_role(db(), person, hub, user, requested)
    db().commit()
    return {"state": "given"}


@blueprint.write("DELETE", ONE, 204, None, 404, 409)
def take(space: str, name: str, username: str, role: str) -> Any:
    """Revoke a role: your own, or another person's as an owner. A hub never loses its last owner."""
    hub = find_hub(space, name)
    if username != current_person().username:
        require(current_person(), "edit", hub)
    user = role_actions.find_account(db(), username)
    # The same answer whether or not there is such an account.
    if user is None or not role_actions.drop_role(db(), current_person(), hub, user, RoleName(role)):
        raise NotFound(_("%(username)s does not have this role here.") % {"username": username})
    db().commit()


def _describe(row: Role) -> dict[str, Any]:
    user = row.user
    return {"username": user.username, "fullname": user.fullname, "role": row.role.value, "since": row.created_on}
