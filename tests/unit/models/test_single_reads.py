"""Reads without a transaction of their own: on whose connection they run, and after the database closed it."""

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from hubs.models import Database, User


def number(connection: Connection) -> int:
    return connection.scalar(text("SELECT count(*) FROM users")) or 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_read_sees_commits_made_since_the_one_before_it(database: Database) -> None:
    def both(connection: Connection) -> tuple[int, int]:
        before = number(connection)
        with database.transaction() as session:
            session.add(User(username="otter"))
        return before, number(connection)

    assert database.read(both) == (0, 1)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_read_is_repeated_once_the_database_has_closed_its_connection(database: Database) -> None:
    backend = text("SELECT pg_backend_pid()")
    first = database.read(lambda connection: connection.scalar(backend))
    with database.session() as session:
        session.execute(text(f"SELECT pg_terminate_backend({first}, 5000)"))
    assert database.read(lambda connection: connection.scalar(backend)) != first


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_read_that_fails_again_or_by_its_statement_raises(database: Database) -> None:
    attempts = []

    def end_oneself(connection: Connection) -> None:
        attempts.append(connection.scalar(text("SELECT pg_terminate_backend(pg_backend_pid())")))

    def mistaken(connection: Connection) -> None:
        attempts.append(1)
        connection.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(OperationalError):
        database.read(end_oneself)
    with pytest.raises(ProgrammingError):
        database.read(mistaken)
    assert attempts == [1]
