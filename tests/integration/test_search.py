"""Search on PostgreSQL: with the extension for trigrams, and for a role that may not add it."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, event, insert, text
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Database, Hub, RoleName, User, migrations
from hubs.permissions import VISITOR
from hubs.search.search import search
from hubs.widgets.registry import Registry
from tests.search_suite import FindingSuite
from tests.unit.conftest import as_person, make_user


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="module")
def migrated_database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, info={"site_url": "http://127.0.0.1"})
    migrations.upgrade(database)
    yield database
    database.dispose()


@pytest.fixture
def session(migrated_database: Database) -> Iterator[Session]:
    """Give a session whose changes are gone after the test."""
    with migrated_database.session() as session:
        yield session
        session.rollback()


@pytest.fixture
def team(session: Session, registry: Registry) -> Hub:
    users = {name: make_user(session, registry, name) for name in ("owner", "member", "subscriber", "stranger")}
    hub = hub_actions.create(session, registry, users["owner"], "team", "otters", {"summary": "We swim."})
    roles.give_role(session, as_person(session, "owner"), hub, users["member"], RoleName.MEMBER)
    roles.take_role(session, as_person(session, "subscriber"), hub, RoleName.SUBSCRIBER)
    return hub


class TestOnPostgreSQL(FindingSuite):
    """The suite in production."""


def test_words_and_typos_are_found_by_their_indexes(session: Session) -> None:
    session.execute(insert(Hub), [{"kind": "team", "name": f"seals-{number}"} for number in range(3000)])
    session.execute(text("ANALYZE hubs"))
    session.execute(text("SET LOCAL enable_seqscan = off"))
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(session.connection(), "before_cursor_execute", note)
    search(session, Registry(), VISITOR, "otters")
    event.remove(session.connection(), "before_cursor_execute", note)
    plans = ""
    for statement, parameters in asked:
        plans += "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    for table, kind in itertools.product(("hubs", "users", "widgets"), ("words", "similar")):
        assert f"search_{table}_{kind}" in plans, plans


def test_looking_for_typos_leaves_the_planner_as_it_was(session: Session) -> None:
    for before in ("on", "off"):
        session.execute(text(f"SET LOCAL enable_seqscan = {before}"))
        search(session, Registry(), VISITOR, "otters")
        assert session.scalar(text("SHOW enable_seqscan")) == before


def test_a_role_that_may_not_add_the_extension_gets_search_with_fewer_typos(
    postgresql: int, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    server = f"127.0.0.1:{postgresql}"
    root = create_engine(f"postgresql+psycopg2://postgres@{server}/postgres", isolation_level="AUTOCOMMIT")
    with root.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS humble WITH (FORCE)"))
        connection.execute(text("DROP ROLE IF EXISTS humble"))
        connection.execute(text("CREATE ROLE humble LOGIN"))
        connection.execute(text("CREATE DATABASE humble"))
    root.dispose()
    inside = create_engine(f"postgresql+psycopg2://postgres@{server}/humble", isolation_level="AUTOCOMMIT")
    with inside.connect() as connection:
        connection.execute(text("GRANT ALL ON SCHEMA public TO humble"))
        connection.execute(text("REVOKE CREATE ON DATABASE humble FROM PUBLIC"))
    inside.dispose()
    database = Database(f"postgresql+psycopg2://humble@{server}/humble", info={"site_url": "http://127.0.0.1"})
    migrations.upgrade(database)
    migrations.check(database)
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    with database.session() as session:
        user = User(username="ottoline")
        session.add(user)
        session.flush()
        hub_actions.create(session, registry, user, "team", "otters", {})
        for typed, guessed in (("otters", False), ("ottars", True)):
            assert [hit.guessed for hit in search(session, registry, VISITOR, typed).teams] == [guessed], typed
    database.dispose()
