"""The front page: the current user, their hubs, and recently active hubs."""

from flask import Blueprint, render_template
from sqlalchemy import ColumnElement, select

from hubs.models import Hub
from hubs.models.idle import grade
from hubs.permissions import in_lists, visible
from hubs.views.web.context import current_person, db

blueprint = Blueprint("front", __name__)

#: Maximum number of hubs per list.
SHOWN = 24


@blueprint.get("/")
def front() -> str:
    """Show the front page."""
    teams, people = _newest(Hub.kind != "user"), _newest(Hub.kind == "user")
    return render_template("front.html", teams=teams, people=people, grade=grade)


def _newest(condition: ColumnElement[bool]) -> list[Hub]:
    """Return the hubs that the current user can see, most recently active first."""
    query = select(Hub).where(condition, Hub.archived.is_(False), visible(current_person()), in_lists(current_person()))
    return list(db().scalars(query.order_by(Hub.last_activity.desc().nulls_last(), Hub.name).limit(SHOWN)))
