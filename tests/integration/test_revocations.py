"""The rules about revocations on PostgreSQL: the same tests as on SQLite."""

from collections.abc import Iterator

import pytest

from hubs.models import Base, Database
from tests.unit.actions.test_revocations import *  # noqa: F403 - every test of it
from tests.unit.conftest import registry, session, team  # noqa: F401 - their fixtures


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give an empty PostgreSQL database."""
    database = Database(database_url, info={"site_url": "http://127.0.0.1"})
    with database.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    yield database
    database.dispose()
