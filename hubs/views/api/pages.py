"""The further pages of hubs in the API: list, add, change and remove, by the same actions as in the editor."""

from typing import Any

from marshmallow import Schema, fields, validate

from hubs import urls
from hubs.actions.layout import page_addresses
from hubs.actions.layout import page_rows as acts
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import GRID, PAGES, Visibility
from hubs.models import Page as Row
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint, check_precondition, locked
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.hubs import address
from hubs.views.web.context import app_context, current_person, db, find_hub

blueprint = ApiBlueprint("Pages", __name__, "The pages of a hub beside its home page; each has a layout of its own.")
ALL = f"{HUB}/pages"
ONE = f"{ALL}/<slug>"


class Page(Schema):
    """A further page of a hub, beside its home page."""

    slug = schemas.text("The last part of its address.")
    title = schemas.text()
    visibility = schemas.choice(Visibility, "Narrows that of the hub, also for the page's widgets.", required=True)
    left_width = fields.Integer(required=True, metadata={"description": "In twelfths of the page."})
    position = fields.Integer(required=True, metadata={"description": "Among the tabs, from 0."})
    url = schemas.text("The page for people.")


class PageNew(schemas.Body):
    """A page to add after the others."""

    slug = schemas.text("Small letters, digits and -, at most 40.")
    title = schemas.text()
    visibility = schemas.choice(Visibility, load_default=Visibility.PUBLIC.value)
    left_width = fields.Integer(strict=True, load_default=8, metadata={"minimum": 1, "maximum": GRID - 1})


class PageChanges(schemas.Body):
    """Changes of a page; fields that are not sent stay."""

    slug = fields.String(metadata={"description": "The former address of the page leads to the new one."})
    title = fields.String()
    visibility = schemas.choice(Visibility)
    left_width = fields.Integer(strict=True, metadata={"minimum": 1, "maximum": GRID - 1})
    position = fields.Integer(
        strict=True,
        validate=validate.Range(0, PAGES),
        metadata={"description": "Among the tabs, from 0; beyond the last one means at the end."},
    )


PagePage = schemas.listed(Page)


@blueprint.read(ALL, PagePage, 404)
def pages(space: str, name: str) -> Any:
    """List the pages of a hub that you may see, in the order of their tabs."""
    hub = find_hub(space, name)
    return {"items": [describe(page) for page in acts.visible(current_person(), hub)], "next": None}


@blueprint.write("POST", ALL, 201, Page, 404, 409)
@blueprint.arguments(PageNew)
def add_page(new: dict[str, Any], space: str, name: str) -> Any:
    """Add a page after the others, as an owner."""
    hub = locked(find_hub(space, name, "edit"))
    page = acts.add(db(), current_person(), hub, new["slug"], new["title"], new["visibility"], new["left_width"])
    db().commit()
    return describe(page), {"Location": f"{address(hub)}/pages/{page.slug}"}


@blueprint.read(ONE, Page, 404)
def page(space: str, name: str, slug: str) -> Any:
    """Return a page of a hub."""
    return describe(acts.find(current_person(), find_hub(space, name), slug))


@blueprint.write("PATCH", ONE, 200, Page, 404, match=True)
@blueprint.arguments(PageChanges)
def change_page(changes: dict[str, Any], space: str, name: str, slug: str) -> Any:
    """Change the slug, the title, the visibility, the width or the position of a page, as an owner."""
    row = _locked_page(space, name, slug)
    if not changes:
        raise InvalidInput(_("Send at least one field to change."))
    fields = {key: value for key, value in changes.items() if key not in ("position", "slug")}
    if "slug" in changes:
        page_addresses.change(db(), current_person(), row, changes["slug"])
    acts.update(db(), current_person(), row, fields)
    if "position" in changes:
        order = [other for other in row.hub.pages if other is not row]
        order.insert(min(changes["position"], PAGES), row)
        acts.arrange(db(), current_person(), row.hub, order)
    db().commit()
    return describe(row)


@blueprint.write("DELETE", ONE, 204, None, 404, match=True)
def remove_page(space: str, name: str, slug: str) -> Any:
    """Remove a page with its widgets, as an owner."""
    acts.remove(db(), app_context().registry, current_person(), _locked_page(space, name, slug))
    db().commit()
    return None


def _locked_page(space: str, name: str, slug: str) -> Row:
    """Return a page for a change, with its hub locked, if the precondition of the request holds."""
    hub = locked(find_hub(space, name, "edit"))
    row = acts.find(current_person(), hub, slug)
    db().refresh(row)  # the hub's query read the pages of its widgets before the lock
    check_precondition(Page, describe(row))
    return row


def describe(page: Row) -> dict[str, Any]:
    """Return a page with its place among those that the current person may see."""
    hub = page.hub
    names = ("slug", "title", "left_width")
    return {
        **{name: getattr(page, name) for name in names},
        "visibility": page.visibility.value,
        # Among the visible ones: the number of hidden pages stays secret.
        "position": acts.visible(current_person(), hub).index(page),
        "url": app_context().settings.site_url + urls.hub_page(hub.kind, hub.name, page.slug),
    }
