"""PostgreSQL stops and returns: public pages for some seconds, then 503 that reloads, and everything as before."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.app import create_app
from hubs.models import Visibility, migrations
from hubs.settings import load
from hubs.views.page_cache import middleware
from tests import services
from tests.services import HOST, Service, wait_for
from tests.stack import environment

OPEN, CLOSED = "/t/otters/", "/t/newts/"
MARK = "The database is not responding. This is the public page as it was"


@pytest.fixture
def cluster() -> Iterator[tuple[Service, int]]:
    """Return a PostgreSQL of this test, and its port."""
    with services.postgresql() as (service, port):
        yield service, port


@pytest.fixture
def app(cluster: tuple[Service, int], memcached: int, redis_port: int, tmp_path: Path) -> Iterator[Flask]:
    """Return an application with a public hub and one for members."""
    database = f"postgresql+psycopg2://postgres@{HOST}:{cluster[1]}/postgres"
    addresses = database, f"memcached://{HOST}:{memcached}", f"redis://{HOST}:{redis_port}/0"
    env, _ = environment(tmp_path, *addresses, {"HUBS_PUBLISH": "0"})
    application = create_app(load({name: value for name, value in env.items() if name.startswith("HUBS_")}))
    context = application.extensions["hubs"]
    migrations.upgrade(context.database)
    with context.database.transaction() as session:
        owner = roles.sign_up(session, context.registry, "owner")
        for path, visibility in ((OPEN, Visibility.PUBLIC), (CLOSED, Visibility.MEMBERS)):
            fields = {"summary": "We swim.", "visibility": visibility}
            hub_actions.create(session, context.registry, owner, "team", path.split("/")[2], fields)
    yield application
    context.database.dispose()
    context.fragments.cache.close()


def sign_in(client: FlaskClient) -> None:
    page = client.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    assert client.post("/login", data={"username": "owner", "csrf_token": token}).status_code == 303


def test_an_outage_of_postgresql(app: Flask, cluster: tuple[Service, int], monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, owner = app.test_client(), app.test_client()
    sign_in(owner)
    for _ in range(3):
        for client, path in ((visitor, OPEN), (owner, OPEN), (owner, CLOSED)):
            answer = client.get(path)
            assert answer.status_code == 200
            assert MARK not in answer.get_data(as_text=True)
    # The limit itself is tested below; a slow machine must not reach it here.
    monkeypatch.setattr(middleware, "OUTAGE_AGE", 60.0)
    monkeypatch.setattr(middleware, "MAX_AGE", 60.0)
    cluster[0].stop()
    for client in (visitor, owner):
        answer = client.get(OPEN)
        assert answer.status_code == 200
        assert MARK in answer.get_data(as_text=True)
    for client, path in ((owner, CLOSED), (visitor, CLOSED), (owner, "/me/"), (visitor, "/")):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert (answer.headers["Retry-After"], answer.headers["Refresh"]) == ("5", "5")
    monkeypatch.undo()
    time.sleep(middleware.OUTAGE_AGE)
    assert visitor.get(OPEN).status_code == 503
    cluster[0].restart()
    wait_for(lambda: visitor.get(OPEN).status_code == 200, "the database", 30)
    for client, path in ((visitor, OPEN), (owner, OPEN), (owner, CLOSED), (owner, "/me/")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert MARK not in answer.get_data(as_text=True)
