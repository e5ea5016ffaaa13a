"""Feeds: recent activity of the people of a hub, as JSON and as Atom, as far as the current person may see it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response

from hubs import urls
from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.models import Hub
from hubs.views.api import schemas
from hubs.views.api.atom import atom
from hubs.views.api.base import ApiBlueprint, authenticate, finish
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import app_context, current_person, db, find_hub
from hubs.widgets.feed.cards import Item, read
from hubs.widgets.feed.scope import visible_scope

blueprint = ApiBlueprint("Feeds", __name__, "Recent activity of the people of a hub.")
#: The Atom feed lives beside the hub's page, where feed readers look for it.
atom_blueprint = Blueprint("atom", __name__, url_prefix="/<any(u, t):space>/<name>")
atom_blueprint.before_request(authenticate)
atom_blueprint.after_request(finish)
#: Entries of an Atom feed.
ENTRIES = 50


@blueprint.read(f"{HUB}/feed", schemas.EntryPage, 400, 404)
@blueprint.arguments(PageQuery, location="query")
def feed(query: dict[str, Any], space: str, name: str) -> Any:
    """List the messages that mention the hub's person or members, newest first.

    Activity that people hide is left out, as in the widgets.
    """
    start, limit = after(query["cursor"], str, int), query["limit"]
    items = _read(find_hub(space, name), limit + 1, _position(start) if start else None)
    last = items[limit - 1] if len(items) > limit else None
    position = (last.received_at.isoformat(), last.id) if last else None
    return page([_describe(item) for item in items[:limit]], limit, position)


@atom_blueprint.get("/feed.atom")
def as_atom(space: str, name: str) -> Response:
    """Return the newest messages as Atom."""
    hub = find_hub(space, name)
    base = app_context().settings.site_url
    page_url, feed_url = base + urls.hub(hub.kind, hub.name), base + urls.hub_atom(hub.kind, hub.name)
    answer = make_response(atom(hub, _read(hub, ENTRIES), page_url, feed_url))
    answer.headers["Content-Type"] = "application/atom+xml; charset=utf-8"
    return answer


def _read(hub: Hub, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[Item]:
    """Return messages, newest first, as a feed widget would show them to the current person."""
    return read(db(), visible_scope(current_person(), hub), limit, (), before=before)


def _position(start: Sequence[Any]) -> tuple[datetime, int]:
    try:
        moment = datetime.fromisoformat(start[0])
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), start[1]
    except (ValueError, OverflowError):
        pass  # reported below
    raise InvalidInput(_("There is no such page."), {"cursor": _("Use the URL in `next` of the previous page.")})


def _describe(item: Item) -> dict[str, Any]:
    names = ("id", "category", "sentence", "link", "sent_at", "people")
    return {name: getattr(item, name) for name in names}
