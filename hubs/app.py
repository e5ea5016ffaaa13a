"""The web application: assembled here from top to bottom."""

import hashlib
import hmac
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from hubs import __version__, api_urls, i18n, urls
from hubs.actions import outbox
from hubs.actions.layout.diff import shown
from hubs.actions.people.home import Visits
from hubs.clients.all import Clients
from hubs.errors import BadSetting
from hubs.events.tokens import Tokens
from hubs.fragments.jobs import JobEngine
from hubs.fragments.on_demand import BUILD, FragmentReader, RefreshRequester
from hubs.fragments.side_jobs import SIDE, BackgroundJobs
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.health.readiness import Readiness
from hubs.permissions import can
from hubs.services import create_services
from hubs.settings import Settings, load
from hubs.settings.secret_key import all_keys
from hubs.settings.types import is_loopback
from hubs.views import api, gallery, health, pickers, search, webhooks
from hubs.views.account import bookmarks, inbox, oidc, sign_in, stream, tokens
from hubs.views.account import settings as account_settings
from hubs.views.home import announcements, front, help_wanted, since
from hubs.views.hub import (
    about,
    activity,
    admin,
    calendar,
    catalogue,
    editor,
    history,
    members,
    new,
    page,
    settings_page,
    widget,
)
from hubs.views.hub import settings as widget_settings
from hubs.views.hub.machines import keys, push_tokens
from hubs.views.hub.machines import webhooks as hub_webhooks
from hubs.views.page_cache import fragments as fragment_cache
from hubs.views.page_cache import render
from hubs.views.page_cache.requests import SESSION
from hubs.views.site import branding, cards, discovery, embedding, pictures
from hubs.views.web import (
    compiled_templates,
    compression,
    converters,
    error_pages,
    form_limits,
    form_recovery,
    input_check,
    language,
    security_headers,
    static_files,
    uploads,
)
from hubs.views.web.context import EXTENSION, AppContext, close_session, current_person, page_context
from hubs.views.web.head import head_context
from hubs.views.web.rate_limits import Limiter
from hubs.widgets.secrets import SecretBox
from hubs.widgets.view import FILTERS, SHARED

#: Templates of pages.
TEMPLATES = Path(__file__).parent / "templates"
#: Modules with a blueprint of pages; the API installs its own.
PAGES = (
    front,
    since,
    announcements,
    help_wanted,
    search,
    pickers,
    gallery,
    new,
    page,
    activity,
    about,
    calendar,
    settings_page,
    widget_settings,
    editor,
    catalogue,
    history,
    admin,
    members,
    push_tokens,
    hub_webhooks,
    keys,
    webhooks,
    bookmarks,
    inbox,
    stream,
    widget,
    sign_in,
    account_settings,
    tokens,
    health,
    language,
    branding,
    cards,
    discovery,
    embedding,
    pictures,
)


def create_app(
    settings: Settings | None = None, fragments: FragmentStore | None = None, publisher: outbox.Publishes | None = None
) -> Flask:
    """Assemble the application, without connecting to anything before the first request.

    ``fragments`` and ``publisher`` are passed by a process that also runs a daemon.

    :raises BadSetting: if a setting cannot be used, or sign-in without password would be open to others.
    """
    settings = settings or load()
    _check_login(settings)
    app = Flask("hubs")
    context = app.extensions[EXTENSION] = create_context(settings, fragments, publisher)
    app.config.update(_flask_config(settings))
    converters.install(app)
    static_files.register(app)
    render.install(app)
    language.register(app)
    uploads.register(app)
    input_check.register(app)
    form_limits.register(app)
    form_recovery.register(app)
    protection = CSRFProtect(app)
    protection.exempt(sign_in.backchannel)  # authenticated by the provider's logout token instead
    protection.exempt(webhooks.receive)  # authenticated by the signature of the delivery instead
    oidc.install(app, settings)
    if _is_secure(settings):  # behind a TLS proxy, whose headers name the client; without a proxy they are forgeable
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    _install_templates(app, context)
    for module in PAGES:
        app.register_blueprint(module.blueprint)
    api.install(app, protection)
    app.context_processor(page_context)
    app.context_processor(head_context)
    app.teardown_appcontext(close_session)
    error_pages.register(app, render.outage_page)
    security_headers.register(app, settings)
    _install_middleware(app, context)
    return app


def _install_middleware(app: Flask, context: AppContext) -> None:
    """Wrap all of the application: public fragments are answered from the cache before Flask sees the request."""
    fragment_cache.install(app, context.fragments.public, context.database, context.settings)
    compression.install(app)


def create_context(
    settings: Settings, fragments: FragmentStore | None = None, publisher: outbox.Publishes | None = None
) -> AppContext:
    """Return the application context: the services that views use."""
    # A thread that is stuck in a build or in a background job may hold its connection.
    connections = 5 + 2 * settings.web_build_threads + settings.max_abandoned_builds
    services = create_services(settings, pool_size=connections, fragments=fragments, publisher=publisher)
    database, fragments, schedule = services.database, services.fragments, services.schedule
    fragments.on_due = RefreshRequester(schedule)
    # Fragments and side jobs share a pool, but neither can use up the threads of the other.
    limits = dict.fromkeys((BUILD, SIDE), settings.web_build_threads)
    pool = BoundedThreadPool("job", sum(limits.values()), settings.build_budget, settings.max_abandoned_builds)
    engine = JobEngine(pool, limits)
    return AppContext(
        settings=settings,
        database=database,
        fragments=fragments,
        fragment_reader=FragmentReader(fragments, database, schedule, engine),
        jobs=BackgroundJobs(fragments, database, engine),
        events=services.events,
        tokens=Tokens(settings.key(), settings.token_ttl),
        push_limiter=Limiter(settings.redis_url, settings.push_rate),
        api_limiter=Limiter(settings.redis_url, settings.api_rate),
        search_limiter=Limiter(settings.redis_url, settings.search_rate),
        webhook_limiter=Limiter(settings.redis_url, settings.webhook_rate),
        upload_limiter=Limiter(settings.redis_url, settings.upload_rate),
        readiness=Readiness(database, lambda: services.events.client),
        visits=Visits(database),
        secret_box=SecretBox(settings.key()),
        clients=Clients(settings),
    )


def _flask_config(settings: Settings) -> dict[str, Any]:
    first, *former = (hmac.digest(key, b"flask", hashlib.sha256) for key in all_keys(settings.key()))
    return {
        "SECRET_KEY": first,
        "SECRET_KEY_FALLBACKS": former,
        # A form that was open when the key changed can still be sent. The last key of this list signs.
        "WTF_CSRF_SECRET_KEY": [*reversed(former), first],
        "MAX_CONTENT_LENGTH": 1_000_000,
        "SESSION_COOKIE_NAME": SESSION,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": _is_secure(settings),
        # CSRF tokens live as long as the session, so that a form can stay open over lunch.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _is_secure(settings: Settings) -> bool:
    return settings.site_url.startswith("https://")


def _install_templates(app: Flask, context: AppContext) -> None:
    """Set up Jinja: pages also use the shared macros of widgets, since both show feed cards."""
    app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), FileSystemLoader(SHARED)])
    environment = app.jinja_env
    if environment.bytecode_cache is None:
        environment.bytecode_cache = compiled_templates.in_folder(context.settings.data_dir / "templates")
    environment.filters.update(FILTERS)
    environment.filters["shown"] = shown
    environment.filters["heading"] = partial(context.registry.title, translate=i18n.gettext)
    environment.filters["title_numbers"] = partial(context.registry.title_numbers, translate=i18n.gettext)
    environment.filters["symbol"] = context.registry.symbol
    i18n.install(environment)
    environment.globals.update(
        urls=urls,
        api_urls=api_urls,
        can=can,
        current_person=current_person,
        site_name=context.settings.site_name,
        hubs_version=__version__,
        # Not only in the context of pages: head and foot need them on error pages too.
        settings=context.settings,
        site_colours=branding.version(context.settings),
        footer_links=branding.links(context.settings),
    )
    environment.trim_blocks = environment.lstrip_blocks = True


def _check_login(settings: Settings) -> None:
    host = urlsplit(settings.site_url).hostname or ""
    if settings.local_login and not is_loopback(host):
        raise BadSetting(
            f"HUBS_LOCAL_LOGIN allows everybody to sign in as anybody, so it works on this machine only; HUBS_SITE_URL "
            f"says {host}. Switch it off, or write http://127.0.0.1:8000."
        )
