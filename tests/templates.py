"""Empty databases for unit tests: copies of one that was migrated once, on SQLite or on PostgreSQL."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, text

from hubs.models import Database, migrations
from tests import services

#: The kinds of databases that the unit tests run on.
KINDS = ("sqlite", "postgresql")


class Templates(Protocol):
    """A migrated database to copy."""

    def copy(self, folder: Path) -> contextlib.AbstractContextManager[str]:
        """Give the URL of an empty copy, which may keep files in ``folder``; it is removed afterwards."""


class _SQLite:
    def __init__(self, path: Path) -> None:
        self._path = path
        _migrate(f"sqlite:///{path}")

    @contextlib.contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        shutil.copy(self._path, folder / "hubs.db")
        yield f"sqlite:///{folder / 'hubs.db'}"


class _PostgreSQL:
    def __init__(self, server: str) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        # Databases are created and dropped outside of any transaction.
        self._engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        self._template = f"template_{os.getpid()}"
        self._run(f"CREATE DATABASE {self._template}")
        _migrate(f"{server}/{self._template}")

    @contextlib.contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        yield f"{self._server}/{name}"
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def dispose(self) -> None:
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


@contextlib.contextmanager
def templates_of(kind: str, folder: Path) -> Iterator[Templates]:
    """Give a template of one of `KINDS`; for PostgreSQL, a cluster of its own runs meanwhile."""
    if kind == "sqlite":
        yield _SQLite(folder / "hubs.db")
        return
    with services.postgresql() as (_service, port):
        found = _PostgreSQL(f"postgresql+psycopg2://postgres@{services.HOST}:{port}")
        yield found
        found.dispose()


def _migrate(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database)
    database.dispose()
