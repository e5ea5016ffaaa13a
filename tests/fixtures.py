"""Fixtures of tests with real processes: the services, and the stack that modules share.

The `conftest.py` above both folders imports them, so that the tests in Chromium use the same processes as the others.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import pytest
from sqlalchemy import create_engine, text

from hubs.models import Database, migrations, now
from hubs.models.months import conversion
from tests import services
from tests.stack import Bus, Stack, own_stack

#: In the stash of a module: whether one of its tests failed, after which its processes are not used again.
FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[int]:
    """Give the port of a real PostgreSQL."""
    with services.postgresql() as (_, port):
        yield port


@pytest.fixture(scope="session")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a real memcached that no stack uses."""
    with services.memcached(tmp_path_factory.mktemp("memcached")) as (_, port):
        yield port


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a real Redis that no stack uses."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as (_, port):
        yield port


Template = Callable[[], str]


@pytest.fixture(scope="session")
def template(postgresql: int) -> Template:
    """Give a function that returns the name of a PostgreSQL database with the current schema, to be copied.

    It has partitions for this month and the next ones: in a run that goes on into another month there is a second one.
    """

    @cache
    def create(month: str) -> str:
        name = f"hubs_template_{month}"
        database = Database(_create(postgresql, name))
        migrations.upgrade(database)
        conversion.partition_empty(database)
        database.dispose()
        return name

    return lambda: create(f"{now():%Y_%m}")


@pytest.fixture(scope="module")
def database_url(postgresql: int, template: Template, request: pytest.FixtureRequest) -> str:
    """Give the URL of a PostgreSQL database with the current schema and nothing in it, one per test module."""
    return _create(postgresql, "hubs_" + request.module.__name__.rsplit(".", 1)[-1].lower(), template())


def _create(port: int, name: str, template: str = "template1") -> str:
    """Create a database, in place of one of that name; return its URL."""
    server = f"postgresql+psycopg2://postgres@127.0.0.1:{port}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return f"{server}/{name}"


class SharedStack:
    """A stack of several modules, which starts with the first of them. Each has people and teams of its own."""

    def __init__(self, name: str, request: pytest.FixtureRequest, more: Mapping[str, str] | None = None) -> None:
        self._name, self._more = name, more
        self._postgresql: int = request.getfixturevalue("postgresql")
        self._template: Template = request.getfixturevalue("template")
        self._folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        self._numbers = itertools.count(1)
        self._stack: Stack | None = None
        self._exits = contextlib.ExitStack()

    def get(self) -> Stack:
        """Return the running stack; start one, with an empty database, if there is none."""
        if self._stack is None:
            url = _create(self._postgresql, f"hubs_{self._name}_{next(self._numbers)}", self._template())
            folder = self._folders.mktemp(self._name)
            self._stack = self._exits.enter_context(own_stack(folder, url, self._more))
        return self._stack

    def lend(self, request: pytest.FixtureRequest) -> Iterator[Stack]:
        """Give the stack to a module; replace it after a failed test, or when one of its processes has ended."""
        stack = self.get()
        yield stack
        ended = [name for name, service in stack.services.items() if service.process.poll() is not None]
        if ended or request.node.stash.get(FAILED, False):
            self.stop()

    def stop(self) -> None:
        """Stop the stack; the next module starts another one."""
        self._stack = None
        self._exits.close()


@pytest.fixture(scope="session")
def shared_stack(request: pytest.FixtureRequest) -> Iterator[SharedStack]:
    shared = SharedStack("shared", request)
    yield shared
    shared.stop()


@pytest.fixture(scope="module")
def production(shared_stack: SharedStack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Give the whole stack on real services, for modules that leave it as they found it."""
    yield from shared_stack.lend(request)


@pytest.fixture(scope="module")
def bus(production: Stack) -> Iterator[Bus]:
    """Give a connection to the stack's bus."""
    connection = production.bus()
    yield connection
    connection.close()
