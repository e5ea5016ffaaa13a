"""Serves the pictures that people uploaded, to those who may see the hub."""

from flask import Blueprint, Response, request

from hubs.actions import pictures
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.views.web.context import current_person, db

blueprint = Blueprint("pictures", __name__)

#: A picture never changes under its address. Shared caches must not keep it: the hub may be hidden later.
_CACHED = "private, max-age=31536000, immutable"


@blueprint.get("/pictures/<digest>.webp")
def picture(digest: str) -> Response:
    """Return a picture by the hash of its content."""
    content = pictures.find(db(), current_person(), digest)
    if content is None:
        raise NotFound(_("There is no such picture, or you may not see it."))
    response = Response(content, mimetype="image/webp")
    response.headers["Cache-Control"] = _CACHED
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.set_etag(digest)
    response.make_conditional(request)
    return response
