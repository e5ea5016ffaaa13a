"""The search tables of SQLite survive migrations of the tables that they index."""

import pytest
from sqlalchemy import text

from hubs.models import Database, Hub, migrations
from hubs.permissions import VISITOR
from hubs.search.search import search
from hubs.widgets.registry import Registry


def test_an_upgrade_restores_triggers_that_a_migration_dropped(
    database: Database, registry: Registry, team: Hub
) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps search in step with indexes, not with triggers")
    with database.engine.begin() as connection:  # making a table anew loses its triggers
        for moment in ("added", "changed", "gone"):
            connection.execute(text(f"DROP TRIGGER search_hubs_{moment}"))
        connection.execute(text("UPDATE hubs SET name = 'badgers' WHERE name = 'otters'"))
    migrations.upgrade(database)
    with database.transaction() as session:
        session.add(Hub(kind="team", name="badgers-too"))
        session.flush()
        assert [hit.name for hit in search(session, registry, VISITOR, "badgers").teams] == ["badgers", "badgers-too"]
        assert search(session, registry, VISITOR, "otters").teams == ()


def test_rows_from_before_the_upgrade_are_found_after_it(database: Database, registry: Registry, team: Hub) -> None:
    migrations.downgrade(database, "0010")
    migrations.upgrade(database)
    with database.session() as session:
        assert [hit.guessed for hit in search(session, registry, VISITOR, "otters").teams] == [False]
        assert [hit.guessed for hit in search(session, registry, VISITOR, "member").people] == [False]
