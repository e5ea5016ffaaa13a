"""Renders a hub's page, and keeps its shared part (`hubs.views.page_cache.middleware`)."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import Flask, Response, current_app, g, render_template, request, session
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from hubs.actions.people import announcements
from hubs.actions.people.sessions import digest_of as sign_in_digest
from hubs.events.message import hub_channel
from hubs.fragments import versions
from hubs.fragments.store import Fragment
from hubs.i18n import ngettext
from hubs.models import Announcement, Hub, Widget
from hubs.models.session_events import start_tracking, stop_tracking, track_reads
from hubs.permissions import Person, anyone, audiences, can, standing
from hubs.views.page_cache import personal
from hubs.views.page_cache.lookup import PendingPage, ReadyPage
from hubs.views.page_cache.middleware import PAGE_CACHE, PENDING, READY, PageCacheMiddleware, page_key, stream_values
from hubs.views.page_cache.personal import PARTS, SPECIAL, Absent, Reader, SignedIn, StandIn
from hubs.views.page_cache.shared import SharedPage
from hubs.views.page_cache.skeleton import (
    FilledSkeleton,
    Placeholders,
    Skeleton,
    Slot,
    digest_of,
    etag_of,
    frame_signature,
    placeholder,
    values_of,
)
from hubs.views.web.context import EXTENSION, account, app_context, bar, current_person, db, locale
from hubs.views.web.stream_tokens import counts_presence


def install(app: Flask) -> None:
    """Install the page cache; call this before registering other request hooks, which may read rows."""
    context = app.extensions[EXTENSION]
    track_reads(context.database)
    app.wsgi_app = PageCacheMiddleware(app.wsgi_app, context, app)  # type: ignore[method-assign]


def begin() -> None:
    """Start noting which rows a page depends on, after everything about its reader was read."""
    pending: PendingPage | None = request.environ.get(PENDING)
    reader, user = pending.reader if pending is not None else None, account()
    # What was read since may be newer, and the page is rendered for what was read last.
    current = (current_person(), locale(), user.locale if user is not None else "")
    if user is not None and reader is not None and (reader.person, reader.language, reader.chosen) == current:
        g.bar, g.reader = reader.bar, reader
    bar()
    if pending is not None:
        start_tracking(db())


def read_bar_again() -> None:
    """Forget the bookmarks and marks that were read: the request changed them."""
    g.pop("bar", None)
    g.pop("reader", None)


def viewer_of(hub: Hub) -> Person:
    """Return the synthetic person for whom the current user's page of a hub is rendered."""
    return anyone(standing(current_person(), hub.id, hub.user_id), hub.id)


def page(
    hub: Hub,
    widgets: list[Widget],
    fragments: Mapping[int, Fragment],
    cursor: str,
    news: Sequence[Announcement],
    is_pending: bool,
    **more: Any,
) -> Response:
    """Render a hub page (extra template variables in ``more``) with announcements; 304 if the client's is current.

    ``widgets`` and ``more`` must be what `viewer_of` the hub sees: nothing else about the current user is known there.
    """
    reader, viewer = _reader(hub, is_pending), viewer_of(hub)
    shared = _shared(hub, widgets, fragments, reader, viewer, more)
    return _respond(reader, shared, shared.skeleton.put(values_of(fragments)), news, cursor)


def put_together(cursor: str) -> Response | None:
    """Return the current page from its two parts, if the middleware has them and they are the current user's."""
    ready: ReadyPage | None = request.environ.get(READY)
    if ready is None or ready.reader.person != current_person():
        return None
    hub_id = ready.page.hub_id
    news = announcements.current(db(), current_person(), hub_id) if ready.page.announces else []
    return _respond(*ready, news, cursor)


def _respond(
    reader: Reader, shared: SharedPage, filled: FilledSkeleton, news: Sequence[Announcement], cursor: str
) -> Response:
    special = _special(news)
    digest = digest_of(b"\0".join((reader.digest.encode(), *special.values()))) if special else reader.digest
    etag = etag_of(filled, digest, reader.secret, app_context().settings.token_ttl)
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        db()  # sets the time of the first read
        token = reader.mint(app_context().tokens, shared, g.read_since)
        values = {**reader.fills(shared), **stream_values(token, cursor)}
        values |= {slot: personal.with_token(html, reader.csrf.encode()) for slot, html in special.items()}
        response = Response(filled.fill(values), mimetype="text/html")
    response.set_etag(etag, weak=True)
    return response


def _shared(
    hub: Hub,
    widgets: list[Widget],
    fragments: Mapping[int, Fragment],
    reader: Reader,
    viewer: Person,
    more: Mapping[str, Any],
) -> SharedPage:
    """Render the shared part of a page, and keep it."""
    is_editor, pending = can(viewer, "edit", hub), request.environ.get(PENDING)
    shared = SharedPage(
        hub_id=hub.id,
        keys=app_context().fragments.keys(widgets, locale()),
        frames=frame_signature(fragments, is_editor),
        is_editor=is_editor,
        skeleton=_skeleton({"hub": hub, "rows": widgets, **more}, fragments, reader, viewer),
        channels=tuple(hub_channel(hub.id, audience, locale()) for audience in audiences(viewer, hub)),
        shows_presence=counts_presence(hub),
        bookmark=personal.bookmark_buttons(current_app.jinja_env, hub),
        announces=bool(more.get("announces")),
    )
    if pending is not None:
        subjects = stop_tracking(db()) | {("hub", hub.id)}
        tags = [versions.key(kind, row_id) for kind, row_id in subjects]
        hubs = frozenset(row_id for kind, row_id in subjects if kind == "hub")
        key = page_key(request.environ["PATH_INFO"], reader, hub.id, hub.user_id)
        pending.store(key, shared, tags, hubs, hub.user_id)
    return shared


def _skeleton(values: Mapping[str, Any], fragments: Mapping[int, Fragment], reader: Reader, viewer: Person) -> Skeleton:
    """Render the template with marks in place of everything personal.

    What templates could read about the current user is replaced, also where none of them does so today.
    """
    marks = Placeholders()
    mine = {name: marks.mark(name) for name in (*PARTS, *SPECIAL)}
    stream = {name: marks.mark(name) for name in ("token", "cursor", "channels")}
    csrf = marks.mark("csrf")
    impersonal: dict[str, Any] = {
        "account": StandIn(mine["username"], reader.chosen) if viewer.signed_in else None,
        "bar": Absent(),
        "current_person": lambda: viewer,
        "has_session": reader.has_session,
        "csrf_token": lambda: csrf,
        "get_flashed_messages": None,
        "session": Absent(),
        "g": Absent(),
        "mine": mine,
        "notice": mine["notice"],
        "stream": {"url": app_context().settings.stream_url, **stream},
        "fragments": {widget_id: placeholder(fragment, marks) for widget_id, fragment in fragments.items()},
    }
    return marks.split(render_template("hub.html", **values, **impersonal))


def _reader(hub: Hub, is_pending: bool) -> Reader:
    """Return the current user as `hubs.views.page_cache.readers` reads them from the cookie."""
    if "reader" in g and (hub.id in g.reader.pending) is is_pending:
        return cast("Reader", g.reader)
    user = account()
    if user is None:
        secret = str(session.get("csrf_token", ""))
        return Reader(locale(), has_cookie=bool(session), has_session="user" in session, secret=secret)
    csrf = generate_csrf()  # may create the secret
    signed_in = SignedIn(user.id, str(session["csrf_token"]), csrf, sign_in_digest(str(session["key"])))
    pending = frozenset({hub.id} if is_pending else ())
    environment, person = current_app.jinja_env, current_person()
    return personal.reader_of(environment, user, person, signed_in, g.account_until, bar(), pending)


def _special(news: Sequence[Announcement]) -> dict[Slot, bytes]:
    """Return what a page shows to the current user this time: messages about what they did, and announcements."""
    shown = {}
    if "_flashes" in session:
        module: Any = current_app.jinja_env.get_template("bar.html").module
        shown["flashes", 0] = module.flash_messages().encode()
    if news:
        values = {"announcements": news, "csrf_token": personal.csrf_mark}
        shown["announcements", 0] = render_template("announcements.html", **values).encode()
    return shown


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
    visitor = Reader(locale())
    # Dated by the last check of access, so that a revocation since then refuses it.
    token = visitor.mint(app_context().tokens, page, time.time() - (time.monotonic() - page.checked))
    values = {**visitor.fills(page), **stream_values(token, cache.recent_cursor()), ("notice", 0): notice.encode()}
    response = Response(filled.fill(values), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response
