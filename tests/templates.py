"""Databases for unit tests: copies of templates that were migrated and filled once, on SQLite or on PostgreSQL."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from hubs.models import Database, database, migrations
from hubs.models.months import conversion

#: The kinds of databases that the unit tests run on.
KINDS = ("sqlite", "postgresql")
#: The choice to run some tests on each of them, and all others on the first.
BOTH = "both"
SITE_URL = "http://127.0.0.1"


#: Writes what a filled template holds, and commits it.
Fill = Callable[[Session], object]


class Templates(Protocol):
    """Two migrated databases to copy: an empty one, and one that was filled."""

    #: The engine that migrated the empty one.
    engine: Engine

    def copy(self, folder: Path, filled: bool = False) -> contextlib.AbstractContextManager[str]:
        """Give the URL of a copy, which may keep files in ``folder``; it is removed afterwards."""


class SQLiteTemplates:
    """SQLite files in ``folder``; the filled one is made when the first test needs it."""

    def __init__(self, folder: Path, fill: Fill) -> None:
        self._folder = folder
        self._fill = fill
        self._empty = folder / "empty.db"
        self.engine = _migrate(f"sqlite:///{self._empty}")

    @cached_property
    def _filled(self) -> Path:
        path = self._folder / "filled.db"
        shutil.copy(self._empty, path)
        _fill(f"sqlite:///{path}", self._fill)
        return path

    @contextlib.contextmanager
    def copy(self, folder: Path, filled: bool = False) -> Iterator[str]:
        shutil.copy(self._filled if filled else self._empty, folder / "hubs.db")
        yield f"sqlite:///{folder / 'hubs.db'}"


class PostgreSQLTemplates:
    """Databases on ``server``, a URL without a database; the filled one is made when the first test needs it."""

    def __init__(self, server: str, fill: Fill) -> None:
        self._server = server
        self._fill = fill
        self._numbers = itertools.count(1)
        # Databases are created and dropped outside of any transaction.
        self._admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        self._empty = f"empty_{os.getpid()}"
        self._run(f"CREATE DATABASE {self._empty}")
        self.engine = _migrate(f"{server}/{self._empty}")

    @cached_property
    def _filled(self) -> str:
        name = f"filled_{os.getpid()}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._empty} STRATEGY FILE_COPY")
        _fill(f"{self._server}/{name}", self._fill)
        return name

    @contextlib.contextmanager
    def copy(self, folder: Path, filled: bool = False) -> Iterator[str]:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        template = self._filled if filled else self._empty
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield f"{self._server}/{name}"
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def dispose(self) -> None:
        """Close the connection that creates databases."""
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@contextlib.contextmanager
def compiled_once(templates: Templates) -> Iterator[None]:
    """Share compiled statements among all engines: each test has an engine of its own, and compiling takes longest."""
    shared, create_without = templates.engine, create_engine

    def create(url: Any, **options: Any) -> Engine:
        engine = create_without(url, **options)
        if engine.dialect.name == shared.dialect.name:
            # The dialect is part of the key of a compiled statement.
            engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_engine", create)
        yield


def _migrate(url: str) -> Engine:
    migrated = Database(url)
    migrations.upgrade(migrated)
    if migrated.url.get_backend_name() == "postgresql":
        conversion.partition_empty(migrated)
    engine = migrated.engine
    migrated.dispose()
    return engine


def _fill(url: str, fill: Fill) -> None:
    filled = Database(url, info={"site_url": SITE_URL})
    with filled.session() as session:
        fill(session)
    filled.dispose()
