"""Search and directories. All pages work without JavaScript; the palette loads its lists as JSON."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from hubs import urls
from hubs.actions.people.bookmarks import BookmarkedHub
from hubs.i18n import N_, _
from hubs.models import Hub
from hubs.models.idle import grade
from hubs.search import directory
from hubs.search.query import MOST_LETTERS
from hubs.search.search import Hit
from hubs.search.search import search as search_for
from hubs.views import palette_commands
from hubs.views.web.context import app_context, bar, current_person, db, rate_limit_key
from hubs.widgets.view import hub_picture, icon

blueprint = Blueprint("finding", __name__)

#: Maximum number of results of each kind on the page and in the palette.
ON_PAGE, IN_PALETTE = 25, 5
#: Bookmarks in the palette before anything is typed.
OWN = 8
_STATES = {
    "": N_("Not archived"),
    "active": N_("Active this month"),
    "idle": N_("Idle for a month or longer"),
    "archived": N_("Archived"),
}
_ORDERS = {"activity": N_("Last activity"), "name": N_("Name"), "members": N_("Number of members")}


@blueprint.get("/search")
def search() -> str:
    """Show the results of a search by kind."""
    typed = _typed()
    results = search_for(db(), app_context().registry, current_person(), typed, ON_PAGE)
    return render_template("search.html", typed=typed[:MOST_LETTERS], results=results)


@blueprint.get("/search/palette")
def palette() -> Response:
    """Return the groups of the palette: search results, or recent and bookmarked hubs while nothing is typed."""
    typed = _typed()
    commands = palette_commands.matching(typed)
    offered = _group(_("Commands"), [command.item() for command in commands])
    results = search_for(db(), app_context().registry, current_person(), typed, IN_PALETTE)
    if results.query:
        kinds = ((_("Teams"), results.teams), (_("People"), results.people), (_("Widgets"), results.widgets))
        # A similar name must not stand where a command was meant.
        hits = ((label, [_hit(hit) for hit in hits if not (commands and hit.guessed)]) for label, hits in kinds)
        more = {
            "title": _("Search for “%(words)s”") % {"words": results.query},
            "detail": "",
            "path": urls.search(results.query),
            "picture": _icon("search"),
        }
        groups = [offered, *(_group(*pair) for pair in hits), _group(_("All results"), [more])]
    else:
        # The browser remembers the visited paths; only those that the person may see come back.
        recent = directory.at(db(), current_person(), request.args.get("recent", "")[:1000].split(","))
        visited = {hub.id for hub in recent}
        groups = [
            _group(_("Recently visited"), [_hub(hub) for hub in recent]),
            _group(_("My hubs"), [_hub(hub) for hub in bar().hubs[:OWN] if hub.id not in visited]),
            offered,
        ]
    response = jsonify(groups=[group for group in groups if group["items"]])
    response.cache_control.no_store = True
    return response


@blueprint.get("/teams/")
def teams() -> str:
    """Show the directory of teams."""
    options = _options()
    listing = directory.teams(db(), current_person(), options)
    return _directory(options, listing, _("Teams"), urls.teams, directory.TEAM_ORDERS)


@blueprint.get("/people/")
def people() -> str:
    """Show the directory of people."""
    options = _options()
    listing = directory.people(db(), current_person(), options)
    return _directory(options, listing, _("People"), urls.people, directory.PEOPLE_ORDERS)


def _typed() -> str:
    """Return the search text. Searches have a rate limit of their own, since they cost more than other pages.

    :raises TooManyRequests: if the limit is exceeded.
    """
    typed = request.args.get("q", "")
    if typed.strip():
        app_context().search_limiter.take("search", rate_limit_key())
    return typed


def _options() -> directory.Options:
    args = request.args
    typed, state, order = _typed()[:MOST_LETTERS], args.get("state", ""), args.get("sort", "activity")
    return directory.Options(typed, state, "mine" in args, order, args.get("page", 1, type=int))


def _directory(
    options: directory.Options, listing: directory.Listing, title: str, path: Any, orders: Sequence[str]
) -> str:
    filters = {
        "q": options.typed,
        "state": options.state,
        "sort": options.order,
        **({"mine": "1"} if options.mine else {}),
    }
    return render_template(
        "directory.html",
        options=options,
        listing=listing,
        title=title,
        path=path,
        filters={name: value for name, value in filters.items() if value},
        states=_STATES,
        orders={order: _ORDERS[order] for order in orders},
        grade=grade,
    )


def _group(label: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"label": label, "items": items}


def _hit(hit: Hit) -> dict[str, str]:
    detail = hit.hub or (hit.name if hit.name != hit.title else hit.detail)
    picture = _icon("layout-grid") if hit.kind == "widget" else hub_picture(hit, 28)
    return {"title": hit.title, "detail": detail, "path": hit.path, "picture": picture}


def _hub(hub: Hub | BookmarkedHub) -> dict[str, str]:
    path, picture = urls.hub(hub.kind, hub.name), hub_picture(hub, 28)
    return {"title": hub.title, "detail": hub.summary, "path": path, "picture": picture}


def _icon(name: str) -> str:
    return f'<span class="palette-icon">{icon(name)}</span>'
