"""Feeds: what the people of a hub did lately, as JSON and as Atom, for who asks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response

from hubs import urls
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Hub
from hubs.permissions import audiences, can
from hubs.views.api import schemas
from hubs.views.api.atom import atom
from hubs.views.api.base import ApiBlueprint, enter, leave
from hubs.views.api.hubs import ONE as HUB
from hubs.views.api.paging import PageQuery, after, page
from hubs.views.web.context import app_context, current_person, db, find_hub
from hubs.widgets.feed import Feed
from hubs.widgets.feed.cards import Item, read
from hubs.widgets.shared.messages import MessageScope

room = ApiBlueprint("Feeds", __name__, "What the people of a hub did lately.")
#: Atom is read where people look for it: beside the page of the hub.
blueprint = Blueprint("atom", __name__, url_prefix="/<any(u, t):space>/<name>")
blueprint.before_request(enter)
blueprint.after_request(leave)
#: Entries of an Atom feed.
ENTRIES = 50


@room.get_one(f"{HUB}/feed", schemas.EntryPage, 400, 404)
@room.arguments(PageQuery, location="query")
def feed(query: dict[str, Any], space: str, name: str) -> Any:
    """List the messages that name the hub's person or members, newest first.

    What people keep to themselves is left out, as in the widgets.
    """
    start, limit = after(query["cursor"], str, int), query["limit"]
    found = _read(find_hub(space, name), limit + 1, _place(start) if start else None)
    last = found[limit - 1] if len(found) > limit else None
    place = (last.sent_at.isoformat(), last.id) if last else None
    return page([_describe(one) for one in found[:limit]], limit, place)


@blueprint.get("/feed.atom")
def as_atom(space: str, name: str) -> Response:
    """Return the newest messages as Atom."""
    hub = find_hub(space, name)
    base = app_context().settings.site_url
    page_, own = base + urls.hub(hub.kind, hub.name), base + urls.hub_atom(hub.kind, hub.name)
    answer = make_response(atom(hub, _read(hub, ENTRIES), page_, own))
    answer.headers["Content-Type"] = "application/atom+xml; charset=utf-8"
    return answer


def _read(hub: Hub, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[Item]:
    """Return messages, newest first, as a feed widget shows them to those among whom who asks is.

    :raises NotFound: where the owners show the feed to others only.
    """
    boxes = [row for row in hub.widgets if row.plugin == Feed.name]
    if boxes and not any(can(current_person(), "view", row) for row in boxes):
        raise NotFound(_("This hub has no feed, or you may not see it."))
    whose = MessageScope(hub, hub.name if hub.kind == "user" else "", audiences(current_person(), hub)[-1])
    return read(db(), whose, limit, (), before=before)


def _place(start: Sequence[Any]) -> tuple[datetime, int]:
    try:
        moment = datetime.fromisoformat(start[0])
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), start[1]
    except (ValueError, OverflowError):
        pass  # said below
    raise InvalidInput(_("There is no such page."), {"cursor": _("Take the address from `next` of the page before.")})


def _describe(one: Item) -> dict[str, Any]:
    names = ("id", "category", "sentence", "link", "sent_at", "people")
    return {name: getattr(one, name) for name in names}
