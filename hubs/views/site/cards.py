"""The card picture of a public hub, for previews of links to it."""

from flask import Blueprint, Response, request
from sqlalchemy import select

from hubs.actions import pictures
from hubs.cache import key_of
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.models import Hub
from hubs.permissions import NO_HUB, VISITOR, visible
from hubs.pictures.card import Card, draw_card
from hubs.views.web.context import app_context, db
from hubs.views.web.rate_limits import visitor_key

blueprint = Blueprint("cards", __name__)

#: Seconds for which a drawn card is kept. Its cache key contains what it shows, so it never becomes wrong.
LIFETIME = 7 * 86400
#: Raised when cards are drawn differently.
DRAWING = 1


@blueprint.get("/<any(u, t):space>/<name>/card.png")
def card(space: str, name: str) -> Response:
    """Return the card of a public hub; every other hub is not found, whoever requests it."""
    kind = Hub.kind == "user" if space == "u" else Hub.kind != "user"
    hub = db().scalars(select(Hub).where(kind, Hub.name == name, visible(VISITOR))).one_or_none()
    if hub is None:
        raise NotFound(_(NO_HUB))
    response = Response(_drawn(card_of(hub)), mimetype="image/png")
    # Without asking, a copy could still be shown after the hub was hidden.
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def card_of(hub: Hub) -> Card:
    """Return what the card of a hub shows."""
    letters = hub.avatar or hub.name[:1].upper()
    emblem = pictures.find(db(), VISITOR, hub.emblem) if hub.emblem else None
    return Card(hub.title, hub.summary, letters, hub.banner, app_context().settings.site_name, emblem or b"")


def _drawn(content: Card) -> bytes:
    cache, key = app_context().fragments.cache, key_of("card", DRAWING, content)
    picture = cache.get(key)
    if picture is None:
        # Drawing takes a quarter of a second, so one client cannot have all the cards drawn at once.
        app_context().api_limiter.take("card", visitor_key())
        picture = draw_card(content)
        cache.set(key, picture, LIFETIME)
    return picture
