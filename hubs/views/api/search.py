"""Search in the API; the same function as on the page."""

from dataclasses import asdict
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from hubs.search.search import MOST, SHOWN
from hubs.search.search import search as search_for
from hubs.views.api import schemas
from hubs.views.api.base import ApiBlueprint
from hubs.views.web.context import app_context, current_person, db

blueprint = ApiBlueprint("Search", __name__, "Teams, people and widgets.")


class SearchQuery(Schema):
    """Parameters of a search."""

    class Meta:
        """Unknown parameters are ignored, since other programs add their own to URLs."""

        unknown = EXCLUDE

    q = fields.String(required=True, metadata={"description": "Words to search for."})
    limit = fields.Integer(
        load_default=SHOWN, validate=validate.Range(1, MOST), metadata={"description": "Results of each kind."}
    )


@blueprint.read("/search", schemas.Hits, 400)
@blueprint.arguments(SearchQuery, location="query")
def search(query: dict[str, Any]) -> Any:
    """Search everything that you may see; the best results of each kind come first."""
    results = search_for(db(), app_context().registry, current_person(), query["q"], query["limit"])
    base = app_context().settings.site_url
    return {"query": results.query, "items": [{**asdict(hit), "url": base + hit.path} for hit in results.hits]}
