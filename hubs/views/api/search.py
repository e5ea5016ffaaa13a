"""Search in the API: the same function as on the page."""

from dataclasses import asdict
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from hubs.search.search import MOST, SHOWN
from hubs.search.search import search as search_for
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.web.context import app_context, current_person, db

room = ApiBlueprint("Search", __name__, "Teams, people and widgets.")


class SearchQuery(Schema):
    """What to search for."""

    class Meta:
        """Other programs may have marks of their own in an address."""

        unknown = EXCLUDE

    q = fields.String(required=True, metadata={"description": "Words; anything may be typed."})
    limit = fields.Integer(
        load_default=SHOWN, validate=validate.Range(1, MOST), metadata={"description": "Hits of each kind."}
    )


@room.get_one("/search", schemas.Hits, 400)
@room.arguments(SearchQuery, location="query")
def search(query: dict[str, Any]) -> Any:
    """Search what you may see, best first of each kind."""
    found = search_for(db(), app_context().registry, current_person(), query["q"], query["limit"])
    base = app_context().settings.site_url
    return {"query": found.query, "items": [{**asdict(hit), "url": base + hit.path} for hit in found.hits]}
