"""Renders a hub's page and caches it for the same viewer (`hubs.views.page_cache.middleware`)."""

import time
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from hubs import i18n
from hubs.actions.people.sessions import digest_of
from hubs.fragments import versions
from hubs.fragments.store import Fragment
from hubs.i18n import ngettext
from hubs.models import Hub, Widget
from hubs.models.session_events import start_tracking, stop_tracking, track_reads
from hubs.permissions import can
from hubs.views.page_cache.middleware import (
    PAGE_CACHE,
    PENDING,
    SESSION,
    CachedPage,
    PageCacheMiddleware,
    PendingPage,
    request_values,
)
from hubs.views.page_cache.row_versions import Access
from hubs.views.page_cache.skeleton import Placeholders, Skeleton, etag_of, frame_signature, placeholder, values_of
from hubs.views.web.context import EXTENSION, app_context, current_person, db, locale
from hubs.views.web.stream_tokens import channels_of, mint_for_page


def install(app: Flask) -> None:
    """Install the page cache; call this before registering other request hooks, which may read rows."""
    context = app.extensions[EXTENSION]
    track_reads(context.database)
    app.wsgi_app = PageCacheMiddleware(app.wsgi_app, context)  # type: ignore[method-assign]

    @app.before_request
    def begin_tracking() -> None:
        # The page depends on every hub and person that is read from here on, also by the permission check.
        if PENDING in request.environ:
            start_tracking(db())


def page(hub: Hub, widgets: list[Widget], fragments: Mapping[int, Fragment], cursor: str, **more: Any) -> Response:
    """Render a hub page (extra template variables in ``more``); 304 if the client's copy is current."""
    marks = Placeholders()
    channels = channels_of(hub, current_person())
    stream = {
        "url": app_context().settings.stream_url,
        "token": marks.mark("token"),
        "cursor": marks.mark("cursor"),
        "channels": " ".join(channels),
    }
    csrf, notice = marks.mark("csrf"), marks.mark("notice")
    placeholders = {widget_id: placeholder(fragment, marks) for widget_id, fragment in fragments.items()}
    values = {"hub": hub, "rows": widgets, "fragments": placeholders, "stream": stream, "notice": notice, **more}
    skeleton = marks.split(render_template("hub.html", **values, csrf_token=lambda: csrf))
    token = mint_for_page(hub, channels)
    secret = str(session.get("csrf_token", ""))
    # Only a page with forms needs a CSRF token: creating one starts a session, which a mere visitor should not get.
    csrf_token = generate_csrf() if ("csrf", 0) in skeleton.slots else ""
    filled = skeleton.put(values_of(fragments))
    etag = etag_of(filled, secret, app_context().settings.token_ttl)
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(filled.fill(request_values(token, cursor, csrf_token)), mimetype="text/html")
    response.set_etag(etag, weak=True)
    pending = request.environ.get(PENDING)
    # A page that modified the session, such as one with a flashed message, is not repeatable. A cookie without a valid
    # session is not cached either: anybody could fill the cache with made-up cookies.
    if pending is not None and not session.modified and (session or SESSION not in request.cookies):
        _store(pending, hub, widgets, fragments, skeleton, token, (secret, csrf_token))
    return response


def outage_page() -> Response | None:
    """Return the current request's page, marked with its age, if it may be shown without the database."""
    cache: PageCacheMiddleware = request.environ[PAGE_CACHE]
    cached = cache.during_outage(request.environ)
    if cached is None:
        return None
    page, filled = cached
    seconds = max(1, round(time.monotonic() - page.checked))
    text = ngettext(
        "The database is not responding. This is the public page as it was %(num)s second ago.",
        "The database is not responding. This is the public page as it was %(num)s seconds ago.",
        seconds,
    )
    # No template: its context would read the account.
    notice = Markup('<p class="flash" role="status">{}</p>').format(text % {"num": seconds})
    values = request_values(page.token, cache.recent_cursor(), "", notice)
    response = Response(filled.fill(values), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _store(
    pending: PendingPage,
    hub: Hub,
    widgets: list[Widget],
    fragments: Mapping[int, Fragment],
    skeleton: Skeleton,
    token: str,
    csrf: tuple[str, str],
) -> None:
    """Cache a page for the same viewer, with the version tags and rows of everything that was read for it."""
    editor = can(current_person(), "edit", hub)
    subjects = sorted(stop_tracking(db()))
    sign_in = digest_of(str(session["key"])) if current_person().signed_in else ""
    cached = CachedPage(
        language=i18n.tag(locale()),
        cache_control="private, no-cache" if session else "no-cache",
        editor=editor,
        expires_on=g.account_until if current_person().signed_in else None,
        tags={},
        access=Access(frozenset(row_id for kind, row_id in subjects if kind == "hub"), sign_in),
        versions=None,
        keys=app_context().fragments.keys(widgets, locale()),
        token=token,
        csrf=csrf,
        frames=frame_signature(fragments, editor),
        loaded=0.0,
        skeleton=skeleton,
    )
    pending.store(cached, [versions.key(kind, row_id) for kind, row_id in subjects])
