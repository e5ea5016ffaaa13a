"""Widgets of public hubs inside pages of other sites, where the hub's owners allow it.

Everybody gets what a visitor sees: an embedded page has no cookies, forms or scripts, so another site can neither act
for a person nor find out who they are.
"""

import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from hubs import i18n, urls
from hubs.errors import InvalidInput, NotFound
from hubs.i18n import _
from hubs.models import Widget, hub_fields
from hubs.permissions import NO_WIDGET, VISITOR, can, visible_widgets
from hubs.views.web.context import app_context, db, locale
from hubs.views.web.rate_limits import visitor_key

blueprint = Blueprint("embedding", __name__)

#: Size of the frame that oEmbed offers, in pixels; clients may ask for less.
WIDTH, HEIGHT = 480, 400
#: Seconds after which an embedded widget loads again, and one that is still being built.
RELOAD, RELOAD_SOON = 300, 5
#: Seconds for which clients of oEmbed may keep the answer.
CACHE_AGE = 3600
_PATH = re.compile(r"/(?:w|embed)/([0-9]{1,10})/?")
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'"


@blueprint.get("/embed/<int:number>")
def show(number: int) -> Response:
    """Return a widget as a page that the sites in the hub's setting may embed."""
    row = _embeddable(number)
    fragment = app_context().fragment_reader.read(row, locale())
    # Not by `render_template`: its context would read the session of whoever opens the page.
    page = current_app.jinja_env.get_template("embed.html").render(
        row=row,
        hub=row.hub,
        title=app_context().registry.title(row, _),
        fragment=fragment,
        lang=i18n.tag(locale()),
        direction=i18n.direction(locale()),
        seconds=RELOAD if fragment else RELOAD_SOON,
        site_url=app_context().settings.site_url,
    )
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = f"{_POLICY}; form-action 'none'; frame-ancestors {_sites(row)}"
    # Without asking, a copy could still be shown after the widget was hidden.
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/oembed")
def oembed() -> Response:
    """Return how to embed the widget at ``url``, as oEmbed 1.0 says."""
    app_context().api_limiter.take("oembed", visitor_key())
    if request.args.get("format", "json") != "json":
        response = jsonify(error=_("Only JSON is available."))
        response.status_code = 501
        return response
    row = _embeddable(_number(request.args.get("url", "")))
    settings, title = app_context().settings, app_context().registry.title(row, _)
    width, height = _most("maxwidth", WIDTH), _most("maxheight", HEIGHT)
    response = jsonify(
        version="1.0",
        type="rich",
        title=f"{title} · {row.hub.title}",
        provider_name=settings.site_name,
        provider_url=settings.site_url + urls.front(),
        cache_age=CACHE_AGE,
        width=width,
        height=height,
        html=_frame(row, title, width, height),
    )
    response.headers["Cache-Control"] = "no-cache"
    return response


def offer(row: Widget) -> str:
    """Return the HTML with which other sites embed a widget; empty if they may not."""
    if not (can(VISITOR, "view", row) and _sites(row)):
        return ""
    return _frame(row, app_context().registry.title(row, _), WIDTH, HEIGHT)


def _frame(row: Widget, title: str, width: int, height: int) -> Markup:
    address = app_context().settings.site_url + urls.embed(row.id)
    return Markup(
        '<iframe src="{}" title="{}" width="{}" height="{}" loading="lazy" '
        'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"></iframe>'
    ).format(address, title, width, height)


def _embeddable(widget_id: int | None) -> Widget:
    """Return a widget that visitors see, on a hub whose owners allow embedding.

    :raises NotFound: if there is none; the same for each reason.
    """
    query = select(Widget).join(Widget.hub).options(contains_eager(Widget.hub), joinedload(Widget.page))
    row = db().scalars(query.where(Widget.id == widget_id, visible_widgets(VISITOR))).first()
    if row is None or not _sites(row):
        raise NotFound(_(NO_WIDGET))
    return row


def _sites(row: Widget) -> str:
    """Return the sites that may embed a widget, as a Content-Security-Policy lists them; empty for none."""
    # Checked again: a value that was stored by an older version must not be able to extend the policy.
    try:
        return hub_fields.clean_sites((row.hub.extras or {}).get("embed_on"))
    except InvalidInput:
        return ""


def _most(name: str, most: int) -> int:
    return max(1, min(most, request.args.get(name, most, type=int)))


def _number(address: str) -> int | None:
    """Return the widget whose page or frame is at an address of this instance."""
    try:
        parts, site = urlsplit(address), urlsplit(app_context().settings.site_url)
    except ValueError:  # half an IPv6 address
        return None
    match = _PATH.fullmatch(parts.path)
    return int(match[1]) if match and (parts.scheme, parts.netloc) == (site.scheme, site.netloc) else None
