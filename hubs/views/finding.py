"""Search and directories. Every page works without JavaScript."""

from flask import Blueprint, render_template, request

from hubs.finding.search import search as search_for
from hubs.views.site import db, me, site

blueprint = Blueprint("finding", __name__)

#: Hits of each kind on the page.
ON_PAGE = 25


@blueprint.get("/search")
def search() -> str:
    """Show what a search finds, kind by kind."""
    typed = request.args.get("q", "")
    return render_template(
        "search.html", typed=typed[:100], found=search_for(db(), site().registry, me(), typed, ON_PAGE)
    )
