"""The front page: who I am, my hubs, and hubs where something happens."""

from flask import Blueprint, render_template
from sqlalchemy import select

from hubs.models import Hub, Visibility
from hubs.models.idle import grade
from hubs.permissions import can
from hubs.views.site import db, me

blueprint = Blueprint("front", __name__)

#: Hubs listed on the front page, at most, per list.
SHOWN = 24


@blueprint.get("/")
def front() -> str:
    """Show the front page."""
    who = me()
    teams = [hub for hub in _newest(Hub.kind != "user") if can(who, "view", hub)]
    people = [hub for hub in _newest(Hub.kind == "user") if can(who, "view", hub)]
    return render_template("front.html", teams=teams[:SHOWN], people=people[:SHOWN], grade=grade)


def _newest(condition: object) -> list[Hub]:
    """Return hubs by their last activity; those that nobody outside may see are left to the permission check."""
    query = select(Hub).where(condition, Hub.archived.is_(False), Hub.visibility.in_(Visibility))  # type: ignore[arg-type]
    return list(db().scalars(query.order_by(Hub.last_activity.desc().nulls_last(), Hub.name).limit(4 * SHOWN)))
