"""Descriptions of the instance for search engines and browsers. They name public hubs only."""

from collections.abc import Iterator
from datetime import datetime
from math import ceil

from flask import Blueprint, Response, jsonify, render_template, request
from markupsafe import escape
from sqlalchemy import Select, func, literal, select, union_all

from hubs import i18n, urls
from hubs.errors import NotFound
from hubs.i18n import _
from hubs.models import Hub, Page, Visibility
from hubs.permissions import VISITOR, in_lists, visible
from hubs.settings.colours import LIGHT
from hubs.views.web.context import app_context, db
from hubs.views.web.rate_limits import visitor_key

blueprint = Blueprint("discovery", __name__)

#: Most addresses per file, as sitemaps.org limits them.
PER_SITEMAP = 50_000
#: Most files that a list of sitemaps may name.
MOST_SITEMAPS = 50_000
#: Pages that search engines need not read: personal, or results of forms.
_DISALLOWED = ("/me/", "/login", "/language", "/stream/", "/new", "/audit", "/api/", "/hooks/", "/w/", "/search")
_SITEMAPS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
#: The pages besides hubs that a sitemap names.
_PAGES = (urls.front, urls.teams, urls.people)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Return the rules for crawlers."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _DISALLOWED)]
    lines += ["Disallow: /*/edit", "Disallow: /*/settings", "", f"Sitemap: {_site()}{urls.sitemap()}"]
    return _public(Response("\n".join(lines) + "\n", mimetype="text/plain"))


@blueprint.get("/sitemap.xml")
def sitemap_index() -> Response:
    """Return the list of sitemaps."""
    app_context().api_limiter.take("sitemap", visitor_key())
    total = db().scalar(select(func.count()).select_from(_pages_of_hubs().subquery())) or 0
    numbers = range(1, max(1, ceil(total / PER_SITEMAP)) + 1)
    entries = "".join(f"<sitemap><loc>{escape(_site() + urls.sitemap(number))}</loc></sitemap>" for number in numbers)
    return _xml(f"<sitemapindex {_SITEMAPS}>{entries}</sitemapindex>")


@blueprint.get("/sitemap-<int:number>.xml")
def sitemap(number: int) -> Response:
    """Return one sitemap: the addresses of public pages of hubs and when they were changed; the first has the lists."""
    app_context().api_limiter.take("sitemap", visitor_key())
    if not 1 <= number <= MOST_SITEMAPS:
        raise NotFound(_("There is no such sitemap."))
    rows = db().execute(_pages_of_hubs().limit(PER_SITEMAP).offset((number - 1) * PER_SITEMAP)).all()
    if number > 1 and not rows:
        raise NotFound(_("There is no such sitemap."))
    site = _site()
    pages = [f"<url><loc>{escape(site + page())}</loc></url>" for page in _PAGES] if number == 1 else []
    hubs = (
        f"<url><loc>{escape(site + urls.hub_page(kind, name, slug))}</loc><lastmod>{changed:%Y-%m-%d}</lastmod></url>"
        for kind, name, slug, changed in rows
    )
    return _xml(f"<urlset {_SITEMAPS}>{''.join(pages)}{''.join(hubs)}</urlset>")


@blueprint.get("/opensearch.xml")
def opensearch() -> Response:
    """Return the description with which browsers add the search of this instance."""
    text = render_template("opensearch.xml", site=_site())
    return _public(Response(text, mimetype="application/opensearchdescription+xml"))


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """Return the manifest with which browsers install the instance as an application."""
    settings = app_context().settings
    response = jsonify(
        id=urls.front(),
        name=settings.site_name,
        short_name=settings.site_name,
        description=settings.site_description,
        lang=i18n.tag("en"),
        start_url=urls.front(),
        scope=urls.front(),
        display="standalone",
        background_color=LIGHT,
        theme_color=LIGHT,
        icons=list(_icons()),
    )
    response.mimetype = "application/manifest+json"
    return _public(response)


def _icons() -> Iterator[dict[str, str]]:
    for size in (192, 512):
        yield {"src": urls.icon(size), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        yield {"src": urls.icon(size, maskable=True), "sizes": f"{size}x{size}", "type": "image/png"} | {
            "purpose": "maskable"
        }


def _pages_of_hubs() -> Select[str, str, str, datetime]:
    """Return the query for the pages of hubs that everybody can see, in a stable order: the home page has no slug."""
    public = visible(VISITOR), in_lists(VISITOR)
    homes = select(Hub.kind, Hub.name, literal("").label("slug"), Hub.updated_on, Hub.id, literal(0).label("page_id"))
    pages = select(Hub.kind, Hub.name, Page.slug, Hub.updated_on, Hub.id, Page.id).join(Page, Page.hub_id == Hub.id)
    listed = union_all(homes.where(*public), pages.where(*public, Page.visibility == Visibility.PUBLIC)).subquery()
    columns = listed.c.kind, listed.c.name, listed.c.slug, listed.c.updated_on
    return select(*columns).order_by(listed.c.id, listed.c.page_id)


def _site() -> str:
    return app_context().settings.site_url


def _xml(text: str) -> Response:
    response = Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', mimetype="application/xml")
    # Hubs leave the list as soon as they are hidden, so copies are only used after asking.
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
