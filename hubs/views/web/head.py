"""Template variables of the head: the page's address for search engines, and whether they may index it."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import g, request

from hubs.settings import Settings
from hubs.views.web.context import app_context

#: Beginnings of the paths of pages that are personal or results of forms.
UNLISTED = ("/me/", "/stream/", "/search", "/login")


def head_context() -> dict[str, Any]:
    """Return the template variables of the head; templates may use the names in ``request`` for something else."""
    settings: Settings = app_context().settings
    path = quote(request.path, safe="/:@!$&'()*+,;=~")
    # Every page of a list has an address of its own; filters and orders show the same things otherwise.
    number = request.args.get("page", 1, type=int)
    query = f"?{urlencode({'page': number})}" if number > 1 else ""
    return {
        "page_address": settings.site_url + path + query,
        "is_indexed": "is_error_page" not in g and not request.path.startswith(UNLISTED),
        "is_error_page": "is_error_page" in g,
    }
