"""The web application on a real SQLite database and cache; Redis is away, which pages must bear."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from types import MethodType, SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session

from hubs.app import create_app, create_context
from hubs.cache import connect
from hubs.clients.all import Clients
from hubs.fragments.public import forget_after_commit
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub
from hubs.models.session_events import track_reads
from hubs.settings import Settings, load
from hubs.views.hub import page
from hubs.views.page_cache.fragments import FragmentCacheMiddleware
from hubs.views.page_cache.middleware import PageCacheMiddleware
from hubs.views.page_cache.row_versions import RowVersions
from hubs.views.web.context import EXTENSION, AppContext
from hubs.widgets.registry import Registry
from tests.upstream import NOBODY

BASE = {
    **NOBODY,
    "HUBS_PRESET": "fedora",
    "HUBS_SITE_URL": "http://127.0.0.1",
    "HUBS_LOCAL_LOGIN": "1",
    "HUBS_PUBLISH": "0",
    "HUBS_REDIS_URL": "redis://127.0.0.1:1/0",
    "HUBS_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
}


@pytest.fixture(scope="session")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Give an application whose routes, API document and templates all tests share: assembling it takes longest."""
    folder = tmp_path_factory.mktemp("assembled")
    settings = load({**BASE, "HUBS_DATABASE_URL": f"sqlite:///{folder / 'hubs.db'}", "HUBS_DATA_DIR": str(folder)})
    shared = create_app(settings)
    close(shared)
    shared.testing = True
    shared.config["PROPAGATE_EXCEPTIONS"] = False
    return shared


@pytest.fixture(scope="session")
def widgets(assembled: Flask) -> Registry:
    """Give the built-in widgets, with the application's key for their secrets."""
    context: AppContext = assembled.extensions[EXTENSION]
    return context.fragments.registry


@pytest.fixture
def app(assembled: Flask, widgets: Registry, database: Database, tmp_path: Path) -> Iterator[Flask]:
    """Give the application on the database, cache and clients of this test."""
    settings = load({**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)})
    hooks = {scope: list(functions) for scope, functions in assembled.before_request_funcs.items()}
    context = assembled.extensions[EXTENSION] = create_context(settings, fragments_of(settings, widgets))
    track_reads(context.database)
    pages = PageCacheMiddleware(MethodType(Flask.wsgi_app, assembled), context, assembled)
    rows = RowVersions(context.database)
    assembled.wsgi_app = FragmentCacheMiddleware(pages, context.fragments.public, rows, settings)  # type: ignore[method-assign]
    # The tests' own sessions change rows as the application's do.
    forget_after_commit(database, context.fragments.public)
    yield assembled
    assembled.before_request_funcs.clear()
    assembled.before_request_funcs.update(hooks)
    close(assembled)


def fragments_of(settings: Settings, widgets: Registry) -> FragmentStore:
    """Return a store of fragments on the cache of a test, with widgets that all tests share."""
    store = connect(settings.cache)
    return FragmentStore(
        widgets, store, settings.key(), settings.fragment_ttl, settings.build_timeout, Clients(settings, store)
    )


def close(app: Flask) -> None:
    """Close the connections of an application."""
    app.extensions[EXTENSION].database.dispose()
    app.extensions[EXTENSION].fragments.cache.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def otters(session: Session, team: Hub) -> Hub:
    """Give the team, committed, so that the application sees it."""
    session.commit()
    return team


def token(client: FlaskClient, path: str = "/login") -> str:
    """Return the CSRF token of a page's forms."""
    page = client.get(path).get_data(as_text=True)
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def sign_in(client: FlaskClient, username: str) -> FlaskClient:
    """Sign somebody in."""
    answer = post(client, "/login", username=username)
    assert answer.status_code == 303
    return client


def post(client: FlaskClient, path: str, **fields: str):  # type: ignore[no-untyped-def]
    """Send a form as a browser does, with the session's token."""
    return client.post(path, data={"csrf_token": _token_of_session(client), **fields})


def _token_of_session(client: FlaskClient) -> str:
    """Return a token of the client's session, as `flask_wtf` signs it: reading it from a page takes much longer."""
    with client.session_transaction() as session:
        secret = session.setdefault("csrf_token", secrets.token_hex(20))
    serializer = URLSafeTimedSerializer(client.application.config["WTF_CSRF_SECRET_KEY"], salt="wtf-csrf-token")
    return str(serializer.dumps(secret))


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for widgets of a list longer than a page would: how fast they are built says how busy the machine is."""
    monkeypatch.setattr(page, "GRACE", 10.0)


@pytest.fixture
def same_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count all requests of a test in one minute: rates are estimated from the minutes of the clock."""
    begin = time.time() // 60 * 60
    monkeypatch.setattr("limits.storage.memory.time", SimpleNamespace(time=lambda: begin + 1))
