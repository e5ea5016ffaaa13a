"""Real services, started once for all tests, and the whole stack on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from hubs.models import Database, migrations
from tests import services
from tests.stack import Bus, Stack, stack


@pytest.fixture(scope="session")
def postgresql() -> Iterator[int]:
    """Give the port of a real PostgreSQL."""
    with services.postgresql() as (_, port):
        yield port


@pytest.fixture(scope="session")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a real memcached."""
    with services.memcached(tmp_path_factory.mktemp("memcached")) as (_, port):
        yield port


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a real Redis."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as (_, port):
        yield port


@pytest.fixture(scope="session")
def template(postgresql: int) -> str:
    """Give the name of a PostgreSQL database with the current schema, to be copied."""
    url = _create(postgresql, "hubs_template")
    database = Database(url)
    migrations.upgrade(database)
    database.dispose()
    return "hubs_template"


@pytest.fixture(scope="module")
def database_url(postgresql: int, template: str, request: pytest.FixtureRequest) -> str:
    """Give the URL of a PostgreSQL database with the current schema and nothing in it, one per test module."""
    return _create(postgresql, "hubs_" + request.module.__name__.rsplit(".", 1)[-1].lower(), template)


def _create(port: int, name: str, template: str = "template1") -> str:
    """Make a database anew; return its URL."""
    server = f"postgresql+psycopg2://postgres@127.0.0.1:{port}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture(scope="module")
def production(
    database_url: str, memcached: int, redis_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Give the whole stack on real services, one per test module."""
    folder: Path = tmp_path_factory.mktemp("stack")
    addresses = database_url, f"memcached://127.0.0.1:{memcached}", f"redis://127.0.0.1:{redis_port}/0"
    with stack(folder, *addresses) as found:
        yield found


@pytest.fixture(scope="module")
def bus(production: Stack) -> Iterator[Bus]:
    """Give a connection to the stack's bus."""
    connection = production.bus()
    yield connection
    connection.close()
