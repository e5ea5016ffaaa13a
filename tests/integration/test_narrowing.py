"""A hub that is narrowed while memcached fails, on PostgreSQL and a real memcached: refused at once, everywhere."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.app import create_app
from hubs.models import Hub, RoleName, Visibility
from hubs.permissions import Person, person
from hubs.settings import load
from hubs.views.page_cache import middleware
from tests import services
from tests.services import HOST, Service
from tests.stack import environment

PAGE = "/t/otters/"
SECRET = "We swim at night."


@pytest.fixture
def memcached_process(tmp_path: Path) -> Iterator[tuple[Service, int]]:
    """Return a memcached of this test, and its port."""
    with services.memcached(tmp_path) as (service, port):
        yield service, port


@pytest.fixture
def processes(
    database_url: str, redis_port: int, memcached_process: tuple[Service, int], tmp_path: Path
) -> Iterator[tuple[Flask, Flask]]:
    """Return two applications on one database and cache, with connections of their own: a writer and a reader."""
    addresses = database_url, f"memcached://{HOST}:{memcached_process[1]}", f"redis://{HOST}:{redis_port}/0"
    env, _ = environment(tmp_path, *addresses, {"HUBS_PUBLISH": "0"})
    settings = load({name: value for name, value in env.items() if name.startswith("HUBS_")})
    apps = create_app(settings), create_app(settings)
    yield apps
    for app in apps:
        app.extensions["hubs"].database.dispose()
        app.extensions["hubs"].fragments.cache.close()


def create_hub(app: Flask) -> None:
    """Create the public hub of this test, unless an earlier test has."""
    context = app.extensions["hubs"]
    with context.database.transaction() as session:
        hub = session.query(Hub).filter_by(name="otters").one_or_none()
        if hub is None:
            owner = roles.sign_up(session, context.registry, "owner", "Olga")
            hub_actions.create(session, context.registry, owner, "team", "otters", {"summary": SECRET})


def set_visibility(app: Flask, visibility: Visibility) -> None:
    with app.extensions["hubs"].database.transaction() as session:
        hub = session.query(Hub).filter_by(name="otters").one()
        hub_actions.update(session, owner_of(hub), hub, {"visibility": visibility})


def owner_of(hub: Hub) -> Person:
    user = hub.people(RoleName.OWNER)[0]
    return person(user.id, user.username, user.roles)


def stopped_while_narrowing(app: Flask, service: Service) -> None:
    service.process.send_signal(signal.SIGSTOP)
    set_visibility(app, Visibility.MEMBERS)
    service.process.send_signal(signal.SIGCONT)


def marked_as_down_by_the_writer(app: Flask, service: Service) -> None:
    service.process.send_signal(signal.SIGSTOP)
    cache = app.extensions["hubs"].fragments.cache
    for _ in range(4):  # pymemcache stops sending to a server that fails repeatedly
        assert cache.get("anything") is None
    service.process.send_signal(signal.SIGCONT)
    set_visibility(app, Visibility.MEMBERS)


def with_reset_connections(app: Flask, service: Service) -> None:
    """Shut down the writer's idle connections, as a firewall does, before it narrows the hub."""
    for client in app.extensions["hubs"].fragments.cache._client.clients.values():
        for connection in client.client_pool._free_objs:
            connection.sock.shutdown(socket.SHUT_RDWR)
    set_visibility(app, Visibility.MEMBERS)


@pytest.mark.parametrize("narrow", [stopped_while_narrowing, marked_as_down_by_the_writer, with_reset_connections])
def test_a_hub_that_is_narrowed_while_memcached_fails_is_refused_at_once(
    processes: tuple[Flask, Flask],
    memcached_process: tuple[Service, int],
    narrow: Callable[[Flask, Service], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "MAX_AGE", 3600.0)  # a slow machine must not hide what the age limit would end
    writer, reader = processes
    create_hub(writer)
    set_visibility(writer, Visibility.PUBLIC)
    visitor = reader.test_client()
    with reader.extensions["hubs"].database.session() as session:
        row = session.query(Hub).filter_by(name="otters").one().widgets[0]
        fragment = f"/w/{row.id}/fragment?lang=en"
    paths = (PAGE, fragment)
    visitor.get(f"{PAGE}?full=1")
    for path in paths * 3:
        assert visitor.get(path).status_code == 200
    assert is_cached(reader, row.id)
    narrow(writer, memcached_process[0])
    for path in paths:
        answer = visitor.get(path)
        assert answer.status_code == 404, path
        assert SECRET not in answer.get_data(as_text=True)


def is_cached(app: Flask, widget_id: int) -> bool:
    """Return whether both caches would answer: the entry of the widget, and the page of the reader."""
    public = app.extensions["hubs"].fragments.public
    wrapped = app.wsgi_app
    while not isinstance(wrapped, middleware.PageCacheMiddleware):
        wrapped = wrapped._app  # type: ignore[attr-defined]
    pages = list(wrapped._pages._pages.values())
    return public.read(widget_id, "en") is not None and any(page.skeleton is not None for page in pages)
