"""Renders a hub's page and keeps it for the same reader (`hubs.views.page_cache.middleware`)."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask_wtf.csrf import generate_csrf

from hubs import i18n
from hubs.fragments import versions
from hubs.fragments.store import Fragment
from hubs.models import Hub, Widget
from hubs.models.session_events import start_tracking, stop_tracking, track_reads
from hubs.permissions import can
from hubs.views.page_cache.middleware import BEGUN, SESSION, CachedPage, PageCacheMiddleware, PendingPage, last_values
from hubs.views.page_cache.skeleton import Placeholders, Skeleton, frame_signature, placeholder, tag_of, values_of
from hubs.views.web.context import EXTENSION, app_context, channels_of, current_person, db, locale, mint


def install(app: Flask) -> None:
    """Put ready pages in front of ``app``; to be called before everything else that looks at requests."""
    found = app.extensions[EXTENSION]
    track_reads(found.database)
    app.wsgi_app = PageCacheMiddleware(app.wsgi_app, found)  # type: ignore[method-assign]

    @app.before_request
    def note() -> None:
        if BEGUN in request.environ:
            start_tracking(db())


def page(hub: Hub, rows: list[Widget], found: Mapping[int, Fragment], cursor: str, **more: Any) -> Response:
    """Render a hub page (extra template variables in ``more``); 304 if the client's copy is current."""
    marks = Placeholders()
    channels = channels_of(hub, current_person())
    stream = {
        "url": app_context().settings.stream_url,
        "token": marks.mark("token"),
        "cursor": marks.mark("cursor"),
        "channels": " ".join(channels),
    }
    csrf = marks.mark("csrf")
    placeholders = {number: placeholder(one, marks) for number, one in found.items()}
    shown = {"hub": hub, "rows": rows, "fragments": placeholders, "stream": stream, **more}
    skeleton = marks.split(render_template("hub.html", **shown, csrf_token=lambda: csrf))
    token = mint(channels)
    secret = str(session.get("csrf_token", ""))
    # A form needs a token of this session, which begins one for a visitor.
    made = generate_csrf() if ("csrf", 0) in skeleton.places else ""
    filled = skeleton.put(values_of(found))
    tag = tag_of(filled, secret, app_context().settings.token_ttl)
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        answer = Response(filled.fill(last_values(token, cursor, made)), mimetype="text/html")
    answer.set_etag(tag, weak=True)
    begun = request.environ.get(BEGUN)
    # What changes the session, such as a note that is shown once, is no page for next time; nor is one for a cookie
    # that says nothing, of which anybody can make any number.
    if begun is not None and not session.modified and (session or SESSION not in request.cookies):
        _keep(begun, hub, rows, found, skeleton, token, (secret, made))
    return answer


def _keep(
    begun: PendingPage,
    hub: Hub,
    rows: list[Widget],
    found: Mapping[int, Fragment],
    skeleton: Skeleton,
    token: str,
    csrf: tuple[str, str],
) -> None:
    """Keep a page for the same reader, with the stamps of all that was read for it."""
    editor = can(current_person(), "edit", hub)
    made = CachedPage(
        language=i18n.tag(locale()),
        caching="private, no-cache" if session else "no-cache",
        editor=editor,
        until=g.account_until if current_person().signed_in else None,
        stamps={},
        keys=app_context().fragments.keys(rows, locale()),
        token=token,
        csrf=csrf,
        frames=frame_signature(found, editor),
        loaded=0.0,
        skeleton=skeleton,
    )
    begun.keep(made, [versions.key(kind, number) for kind, number in sorted(stop_tracking(db()))])
