"""The web application on a real SQLite database and cache; Redis is away, which pages must bear."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.orm import Session

from hubs.app import create_app
from hubs.fragments.public import forget_after_commit
from hubs.models import Database, Hub
from hubs.settings import load
from tests.upstream import NOBODY

BASE = {
    **NOBODY,
    "HUBS_SITE_URL": "http://127.0.0.1",
    "HUBS_LOCAL_LOGIN": "1",
    "HUBS_PUBLISH": "0",
    "HUBS_REDIS_URL": "redis://127.0.0.1:1/0",
    "HUBS_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
}


class Compiled(BytecodeCache):
    """Keeps what the pages' templates were compiled to, since each test makes an application of its own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        found = self._kept.get((bucket.key, bucket.checksum))
        if found is not None:
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@pytest.fixture(scope="session")
def compiled() -> Compiled:
    return Compiled()


@pytest.fixture
def app(database: Database, tmp_path: Path, compiled: Compiled) -> Iterator[Flask]:
    found = create_app(load({**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}))
    found.testing = True
    found.jinja_env.bytecode_cache = compiled
    found.config["PROPAGATE_EXCEPTIONS"] = False
    # The tests' own sessions change rows as the application's do.
    forget_after_commit(database, found.extensions["hubs"].fragments.public)
    yield found
    found.extensions["hubs"].database.dispose()
    found.extensions["hubs"].fragments.cache.close()


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
    answer = client.post("/login", data={"username": username, "csrf_token": token(client)})
    assert answer.status_code == 303
    return client


def post(client: FlaskClient, path: str, **fields: str):  # type: ignore[no-untyped-def]
    """Send a form as a browser does, with the session's token."""
    with client.session_transaction() as session:
        signed_in = "user" in session
    form = "/" if signed_in else "/login"
    return client.post(path, data={"csrf_token": token(client, form), **fields})
