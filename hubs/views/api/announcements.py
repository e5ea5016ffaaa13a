"""Announcements in the API: list those shown to you, publish and withdraw them."""

from typing import Any

from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import select

from hubs.actions.people import announcements
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Announcement, Hub
from hubs.permissions import visible
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.paging import page
from hubs.views.web.context import current_person, db, find_hub

blueprint = ApiBlueprint("Announcements", __name__, "What owners and administrators announce, until it ends.")
#: Most announcements in a list, and most teams of one.
MOST, MOST_TEAMS = 50, 100


class AnnouncementSchema(Schema):
    """An announcement. Lists leave out those that are yet to come and those that you dismissed."""

    id = fields.Integer(required=True)
    title = schemas.text()
    text = schemas.text("Markdown.")
    link = schemas.text("An address, or empty.")
    everyone = fields.Boolean(required=True, metadata={"description": "Whether it is for everyone here."})
    public = fields.Boolean(required=True, metadata={"description": "Whether visitors see it."})
    starts_on = schemas.timestamp()
    ends_on = schemas.timestamp()
    created_by = schemas.text()


class NewAnnouncement(Schema):
    """An announcement to publish; it starts now and ends after seven days unless stated otherwise."""

    class Meta:
        """Unknown fields are errors."""

        unknown = RAISE

    title = schemas.text(validate=validate.Length(1, 160))
    text = fields.String(load_default="", metadata={"description": "Markdown."})
    link = fields.String(load_default="", metadata={"description": "An address, or empty."})
    public = fields.Boolean(load_default=False, metadata={"description": "Whether visitors see it."})
    starts_on = fields.AwareDateTime(load_default=None)
    ends_on = fields.AwareDateTime(load_default=None)


class NewSiteAnnouncement(NewAnnouncement):
    """An announcement to everyone, or to the members of teams."""

    teams = fields.List(
        fields.String(),
        load_default=list,
        validate=validate.Length(0, MOST_TEAMS),
        metadata={"description": "Names of teams; none means everyone."},
    )


Page = schemas.listed(AnnouncementSchema)


@blueprint.read("/announcements", Page)
def everywhere() -> Any:
    """List the announcements that your home page shows."""
    return _page(announcements.current(db(), current_person(), limit=MOST))


@blueprint.read(f"{HUB}/announcements", Page, 404)
def of_hub(space: str, name: str) -> Any:
    """List the announcements that a hub's page shows to you."""
    return _page(announcements.current(db(), current_person(), find_hub(space, name).id, limit=MOST))


@blueprint.write("POST", f"{HUB}/announcements", 201, AnnouncementSchema, 404, 409)
@blueprint.arguments(NewAnnouncement)
def publish_on_hub(values: dict[str, Any], space: str, name: str) -> Any:
    """Publish an announcement to the members of a hub, as an owner or administrator."""
    hub = find_hub(space, name)
    row = announcements.publish(db(), current_person(), values, [hub])
    db().commit()
    return _describe(row)


@blueprint.write("POST", "/announcements", 201, AnnouncementSchema, 409)
@blueprint.arguments(NewSiteAnnouncement)
def publish_everywhere(values: dict[str, Any]) -> Any:
    """Publish an announcement to everyone, or to the members of `teams`, as an administrator."""
    names = values.pop("teams")
    query = select(Hub).where(Hub.kind != "user", Hub.name.in_(names), visible(current_person()))
    hubs = list(db().scalars(query.order_by(Hub.name)))
    if len(hubs) != len(set(names)):
        raise InvalidInput(_("Some fields need your attention."), {"teams": _("There is no such team.")})
    row = announcements.publish(db(), current_person(), values, hubs)
    db().commit()
    return _describe(row)


@blueprint.write("DELETE", "/announcements/<int(max=2147483647):number>", 204, None, 404)
def withdraw(number: int) -> Any:
    """Withdraw an announcement."""
    announcements.withdraw(db(), current_person(), number)
    db().commit()


def _page(rows: list[Announcement]) -> Any:
    return page([_describe(row) for row in rows], MOST, None)


def _describe(row: Announcement) -> dict[str, Any]:
    names = ("id", "title", "text", "link", "everyone", "public", "starts_on", "ends_on", "created_by")
    return {name: getattr(row, name) for name in names}
