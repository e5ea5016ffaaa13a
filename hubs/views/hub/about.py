"""The About tab: what a hub is, how to contact it, who owns it, and how to join."""

from flask import Blueprint, render_template
from sqlalchemy import func, select

from hubs.models import Hub, Role, RoleName, User
from hubs.permissions import can
from hubs.views.hub.page import banner_context
from hubs.views.web.context import current_person, db, find_hub
from hubs.widgets.contact import contacts

blueprint = Blueprint("hub_about", __name__, url_prefix="/<any(u, t):space>/<name>")

#: Most owners named.
OWNERS = 50


@blueprint.get("/about")
def show(space: str, name: str) -> str:
    """Show a hub's description, contact, owners, rules and conditions for joining."""
    hub = find_hub(space, name)
    rules = [row for row in hub.widgets if row.plugin == "rules" and can(current_person(), "view", row)]
    return render_template(
        "hub-about.html",
        hub=hub,
        ways=list(contacts(hub.extras or {})),
        owners=_owners(hub),
        rules=[row.config for row in rules],
        members=_members(hub),
        **banner_context(hub),
    )


def _owners(hub: Hub) -> list[User]:
    query = select(User).join(Role, Role.user_id == User.id).where(Role.hub_id == hub.id, Role.role == RoleName.OWNER)
    return list(db().scalars(query.order_by(User.username).limit(OWNERS)))


def _members(hub: Hub) -> int:
    inside = Role.role.in_((RoleName.OWNER, RoleName.MEMBER))
    return db().scalar(select(func.count(Role.user_id.distinct())).where(Role.hub_id == hub.id, inside)) or 0
