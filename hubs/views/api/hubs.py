"""Hubs in the API: the list of those that one may see, and one of them."""

from typing import Any

from marshmallow import fields
from sqlalchemy import or_, select

from hubs import api_urls, urls
from hubs.actions import hubs as acts
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub
from hubs.models.hub_fields import values
from hubs.permissions import VERBS, can, in_lists, visible
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint, expect, held
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import app_context, current_person, db, find_hub

room = ApiBlueprint("Hubs", __name__, "The pages of people, teams and other groups.")
ONE = "/hubs/<any(u, t):space>/<name>"


class HubQuery(PageQuery):
    """Which hubs to list."""

    kind = fields.String(load_default="", metadata={"description": "`user`, `team`, …"})
    q = fields.String(load_default="", metadata={"description": "A part of name or summary."})
    mine = fields.Boolean(load_default=False, metadata={"description": "Only those where you hold a role."})
    archived = fields.Boolean(load_default=False, metadata={"description": "Also archived ones."})


@room.get_one("/hubs", schemas.HubPage, 400)
@room.arguments(HubQuery, location="query")
def hubs(query: dict[str, Any]) -> Any:
    """List the hubs that you may see, by name.

    People who want to be left out of lists are.
    """
    found = select(Hub).where(visible(current_person()), in_lists(current_person()))
    if query["kind"]:
        found = found.where(Hub.kind == query["kind"])
    if query["mine"]:
        found = found.where(Hub.id.in_(current_person().roles))
    if not query["archived"]:
        found = found.where(Hub.archived.is_(False))
    if query["q"]:
        columns = (Hub.name, Hub.display_name, Hub.summary)
        found = found.where(or_(*(column.icontains(query["q"], autoescape=True) for column in columns)))
    start = after(query["cursor"], str, int)
    if start:
        found = found.where(or_(Hub.name > start[0], (Hub.name == start[0]) & (Hub.id > start[1])))
    limit = query["limit"]
    rows = list(db().scalars(found.order_by(Hub.name, Hub.id).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return page([brief(hub) for hub in rows[:limit]], limit, (last.name, last.id) if last else None)


@room.get_one(ONE, schemas.Hub, 404)
def hub(space: str, name: str) -> Any:
    """Return a hub."""
    return describe(find_hub(space, name))


@room.act("PATCH", ONE, 200, schemas.Hub, 404, match=True)
@room.arguments(schemas.HubChanges)
def change_hub(changes: dict[str, Any], space: str, name: str) -> Any:
    """Change a hub's record as an owner; what is not named stays."""
    found = held(find_hub(space, name, "own"))
    if not changes:
        raise InvalidInput(_("Name at least one setting to change."))
    expect(schemas.Hub, describe(found))
    acts.update(db(), current_person(), found, changes)
    db().commit()
    return describe(found)


def brief(found: Hub) -> dict[str, Any]:
    """Return what a list says of a hub."""
    names = ("id", "kind", "name", "title", "last_activity")
    return {
        **{name: getattr(found, name) for name in names},
        **values(found, schemas.BRIEF_FIELDS),
        "url": app_context().settings.site_url + urls.hub(found.kind, found.name),
        "api_url": address(found),
    }


def address(found: Hub) -> str:
    """Return the address of a hub in this API."""
    return app_context().settings.site_url + api_urls.hub(found.kind, found.name)


def describe(found: Hub) -> dict[str, Any]:
    """Return a hub as who asks may know it."""
    said = {
        **brief(found),
        **values(found, schemas.RECORD_FIELDS),
        "version": found.version,
        "created_on": found.created_on,
        "roles": sorted(role.value for role in current_person().roles.get(found.id, ())),
        "may": [verb for verb in VERBS if can(current_person(), verb, found)],
        "feed_url": app_context().settings.site_url + urls.hub_atom(found.kind, found.name),
    }
    if can(current_person(), "own", found):
        said["settings"] = values(found, schemas.SETTINGS_FIELDS)
    return said
