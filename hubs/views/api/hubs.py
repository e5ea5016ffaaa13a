"""Hubs in the API: list, read and change."""

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
from hubs.views.api.base import ApiBlueprint, check_precondition, locked
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import app_context, current_person, db, find_hub

blueprint = ApiBlueprint("Hubs", __name__, "The pages of people, teams and other groups.")
ONE = "/hubs/<any(u, t):space>/<name>"


class HubQuery(PageQuery):
    """Filters of the list of hubs."""

    kind = fields.String(load_default="", metadata={"description": "`user`, `team`, …"})
    q = fields.String(load_default="", metadata={"description": "Part of the name or summary."})
    mine = fields.Boolean(load_default=False, metadata={"description": "Only hubs in which you have a role."})
    archived = fields.Boolean(load_default=False, metadata={"description": "Include archived hubs."})


@blueprint.read("/hubs", schemas.HubPage, 400)
@blueprint.arguments(HubQuery, location="query")
def hubs(query: dict[str, Any]) -> Any:
    """List the hubs that you may see, by name.

    People who opted out of lists are left out.
    """
    statement = select(Hub).where(visible(current_person()), in_lists(current_person()))
    if query["kind"]:
        statement = statement.where(Hub.kind == query["kind"])
    if query["mine"]:
        statement = statement.where(Hub.id.in_(current_person().roles))
    if not query["archived"]:
        statement = statement.where(Hub.archived.is_(False))
    if query["q"]:
        columns = (Hub.name, Hub.display_name, Hub.summary)
        statement = statement.where(or_(*(column.icontains(query["q"], autoescape=True) for column in columns)))
    start = after(query["cursor"], str, int)
    if start:
        statement = statement.where(or_(Hub.name > start[0], (Hub.name == start[0]) & (Hub.id > start[1])))
    limit = query["limit"]
    rows = list(db().scalars(statement.order_by(Hub.name, Hub.id).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    return page([brief(hub) for hub in rows[:limit]], limit, (last.name, last.id) if last else None)


@blueprint.read(ONE, schemas.Hub, 404)
def hub(space: str, name: str) -> Any:
    """Return a hub."""
    return describe(find_hub(space, name))


@blueprint.write("PATCH", ONE, 200, schemas.Hub, 404, match=True)
@blueprint.arguments(schemas.HubChanges)
def change_hub(changes: dict[str, Any], space: str, name: str) -> Any:
    """Change a hub as an owner; fields that are not sent keep their value."""
    hub = locked(find_hub(space, name, "own"))
    if not changes:
        raise InvalidInput(_("Send at least one setting to change."))
    check_precondition(schemas.Hub, describe(hub))
    acts.update(db(), current_person(), hub, changes)
    db().commit()
    return describe(hub)


def brief(hub: Hub) -> dict[str, Any]:
    """Return a hub as an entry of a list."""
    names = ("id", "kind", "name", "title", "last_activity")
    return {
        **{name: getattr(hub, name) for name in names},
        **values(hub, schemas.BRIEF_FIELDS),
        "url": app_context().settings.site_url + urls.hub(hub.kind, hub.name),
        "picture_url": picture_url(hub.emblem),
        "api_url": address(hub),
    }


def picture_url(digest: str) -> str | None:
    """Return the URL of a picture; None if there is none."""
    return app_context().settings.site_url + urls.picture(digest) if digest else None


def address(hub: Hub) -> str:
    """Return the URL of a hub in this API."""
    return app_context().settings.site_url + api_urls.hub(hub.kind, hub.name)


def describe(hub: Hub) -> dict[str, Any]:
    """Return a hub with everything that the current person may know about it."""
    record = {
        **brief(hub),
        **values(hub, schemas.RECORD_FIELDS),
        "cover_url": picture_url(hub.cover),
        "version": hub.version,
        "created_on": hub.created_on,
        "roles": sorted(role.value for role in current_person().roles.get(hub.id, ())),
        "may": [verb for verb in VERBS if can(current_person(), verb, hub)],
        "feed_url": app_context().settings.site_url + urls.hub_atom(hub.kind, hub.name),
    }
    if can(current_person(), "own", hub):
        record["settings"] = values(hub, schemas.SETTINGS_FIELDS)
    return record
