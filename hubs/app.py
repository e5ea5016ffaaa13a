"""The web application: assembled here, reads top to bottom."""

import hashlib
import hmac
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from hubs import api_urls, cache, i18n, urls
from hubs.actions import outbox, revisions
from hubs.actions.changes import shown
from hubs.bus import NullPublisher, Publisher
from hubs.clients.all import Clients
from hubs.due import Due
from hubs.errors import BadSetting
from hubs.events import Stream, Tokens
from hubs.models import Database
from hubs.permissions import can
from hubs.settings import Settings, load
from hubs.values import is_loopback
from hubs.views import (
    api,
    auth,
    direct,
    edit,
    editor,
    errors,
    finding,
    front,
    gallery,
    health,
    history,
    hub,
    language,
    manage,
    members,
    mine,
    new,
    numbers,
    oidc,
    push,
    render,
    security,
    stream,
    tokens,
    widget,
)
from hubs.views import me as account
from hubs.views.limits import Limiter
from hubs.views.ready import SESSION
from hubs.views.site import EXTENSION, Site, close_session, me, page_context
from hubs.widgets.crew import Crew
from hubs.widgets.desk import Desk, Reminder
from hubs.widgets.fragments import Fragments
from hubs.widgets.orders import Orders
from hubs.widgets.public import forget_after_commit
from hubs.widgets.registry import Registry
from hubs.widgets.seats import Seats
from hubs.widgets.view import FILTERS, SHARED

#: Templates of pages.
TEMPLATES = Path(__file__).parent / "templates"


def create_app(
    settings: Settings | None = None, fragments: Fragments | None = None, publisher: outbox.Publishes | None = None
) -> Flask:
    """Assemble the application. Nothing is connected to before the first request.

    ``fragments`` and ``publisher`` are shared with a daemon in the same process; else they are made.

    :raises BadSetting: when a setting cannot be used, or sign-in without password would be open to others.
    """
    settings = settings or load()
    _check_login(settings)
    app = Flask("hubs")
    app.extensions[EXTENSION] = make_site(settings, fragments, publisher)
    secure = settings.site_url.startswith("https://")
    app.config.update(
        SECRET_KEY=hmac.digest(settings.key(), b"flask", hashlib.sha256),
        MAX_CONTENT_LENGTH=1_000_000,
        SESSION_COOKIE_NAME=SESSION,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open over lunch
    )
    numbers.install(app)
    render.install(app)
    language.register(app)
    protection = CSRFProtect(app)
    protection.exempt(auth.backchannel)  # the provider's own token proves who sends it
    oidc.install(app, settings)
    if secure:  # TLS ends at a proxy, which tells us who asks; without one nobody may
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    # Pages show cards as widgets do.
    app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), FileSystemLoader(SHARED)])
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.filters["shown"] = shown
    app.jinja_env.filters["heading"] = partial(app.extensions[EXTENSION].registry.title, translate=i18n.gettext)
    i18n.install(app.jinja_env)
    app.jinja_env.globals.update(urls=urls, api_urls=api_urls, can=can, me=me, site_name=settings.site_name)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    pages = (front, finding, gallery, new, hub, edit, editor, history, manage, members, mine, stream, widget)
    rooms = (*pages, push, auth, account, tokens, health, language)
    for room in rooms:
        app.register_blueprint(room.blueprint)
    api.install(app, protection)
    app.context_processor(page_context)
    app.teardown_appcontext(close_session)
    errors.register(app)
    security.register(app, settings)
    direct.install(app, app.extensions[EXTENSION].fragments.public, settings)
    return app


def make_site(
    settings: Settings, fragments: Fragments | None = None, publisher: outbox.Publishes | None = None
) -> Site:
    """Return what the views work with."""
    # A thread that is stuck in a build or in an order may keep its connection.
    pool = 5 + 2 * (settings.web_builds + settings.lost_builds)
    database = Database(settings.database, pool, info={"site_url": settings.site_url})
    key = settings.key()
    fragments = fragments or make_fragments(settings)
    outbox.publish_after_commit(database, publisher or (Publisher() if settings.publish else NullPublisher()))
    revisions.record_on_commit(database, fragments.registry)
    forget_after_commit(database, fragments.public)
    stream = Stream(settings.redis_url, settings.stream_log, settings.stream_ttl, settings.token_ttl)
    due = Due(lambda: stream.client)
    fragments.on_due = Reminder(due)
    builders, makers = (
        Crew(name, settings.web_builds, settings.build_budget, settings.lost_builds) for name in ("build", "order")
    )
    seats = Seats()
    desk, orders = Desk(fragments, database, due, builders, seats), Orders(fragments, database, makers, seats)
    limiters = [
        Limiter(settings.redis_url, rate) for rate in (settings.push_rate, settings.api_rate, settings.search_rate)
    ]
    return Site(settings, database, fragments, desk, orders, stream, Tokens(key, settings.token_ttl), *limiters)


def make_fragments(settings: Settings) -> Fragments:
    """Return what reads and builds the widgets' content."""
    registry, store = Registry(settings.widgets, settings.key()), cache.connect(settings.cache)
    clients = Clients(settings, store)
    return Fragments(registry, store, settings.key(), settings.fragment_ttl, settings.build_timeout, clients)


def _check_login(settings: Settings) -> None:
    host = urlsplit(settings.site_url).hostname or ""
    if settings.local_login and not is_loopback(host):
        raise BadSetting(
            f"HUBS_LOCAL_LOGIN lets everybody sign in as anybody, so it works on this machine only; HUBS_SITE_URL says "
            f"{host}. Switch it off, or write http://127.0.0.1:8000."
        )
