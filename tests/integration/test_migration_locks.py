"""Migrations on a large PostgreSQL table hold no lock for more than 100 ms."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from hubs.maintenance import online
from hubs.models import Database, migrations
from hubs.models.migrations import LOCK_TIMEOUT
from hubs.models.months import conversion, undo
from tests.migrated import within

ROWS = 1_000_000
#: A lock that is held only because the machine is busy is not held every time.
ATTEMPTS = 3
SINCE = [name for name in reversed(migrations.known()) if name > online.LAST_BLOCKING]


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """Give a database with a million messages, at the last migration from before the rule."""
    database = Database(database_url)
    migrations.downgrade(database, online.LAST_BLOCKING)
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(
            text(
                "INSERT INTO messages (msg_id, topic, category, sent_at, received_at, sentence, link, icon)"
                " SELECT 'm' || n, 'a.b.dev.c', 'c', now(), now(), '', '', '' FROM generate_series(1, :rows) n"
            ),
            {"rows": ROWS},
        )
    yield database
    database.dispose()


def put(database: Database, revision: str) -> None:
    """Bring the schema to a revision, with plain tables, whatever other tests left."""
    undo.unpartition(database)
    if (before := migrations.current(database)) != revision:
        (migrations.upgrade if before < revision else migrations.downgrade)(database, revision)


class Writer:
    """Writes to the table of messages as the daemon does, and counts the times it was blocked for too long."""

    def __init__(self, url: str) -> None:
        self._engine, self._stop = create_engine(url), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.blocked = self.written = 0

    def __enter__(self) -> "Writer":
        self._thread.start()
        while not self.written:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}ms'"))
            connection.commit()
            while not self._stop.wait(0.005):
                try:
                    connection.execute(text("UPDATE messages SET icon = 'x' WHERE msg_id = 'm7'"))
                    connection.commit()
                    self.written += 1
                except OperationalError:
                    connection.rollback()
                    self.blocked += 1


def blocked_by(database: Database, change: Callable[[], object]) -> int:
    with Writer(database.url.render_as_string(hide_password=False)) as writer:
        change()
    return writer.blocked


def _concurrently() -> None:
    online.create_index("ix_tried", "messages", ["lower(topic)", "category"])


@pytest.mark.slow
def test_an_index_of_ours_blocks_no_writer_and_an_ordinary_one_does(database: Database) -> None:
    def ordinary() -> None:
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("CREATE INDEX ix_ordinary ON messages (lower(topic), category)"))

    put(database, online.LAST_BLOCKING)
    assert blocked_by(database, ordinary) > 0
    attempts = []
    for _ in range(ATTEMPTS):
        attempts.append(blocked_by(database, lambda: within(database, _concurrently)))
        within(database, lambda: online.drop_index("ix_tried"))
    within(database, lambda: online.drop_index("ix_ordinary"))
    assert min(attempts) == 0


@pytest.mark.slow
def test_an_interrupted_index_is_created_again(database: Database) -> None:
    put(database, online.LAST_BLOCKING)
    within(database, _concurrently)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_tried'::regclass"))
    within(database, _concurrently)
    with database.engine.begin() as connection:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_tried'::regclass"
        assert connection.scalar(text(valid)) is True
        assert connection.scalar(text("SHOW statement_timeout")) == "15s"
    within(database, lambda: online.drop_index("ix_tried"))


@pytest.mark.slow
@pytest.mark.parametrize("revision", SINCE)
def test_a_migration_blocks_no_writer(database: Database, revision: str) -> None:
    known = migrations.known()
    before = known[known.index(revision) + 1]
    attempts = []
    for _ in range(ATTEMPTS):
        put(database, before)
        attempts.append(blocked_by(database, lambda: migrations.upgrade(database, revision)))
        if not attempts[-1]:
            break
    assert min(attempts) == 0


@pytest.mark.slow
def test_partitioning_blocks_no_writer(database: Database) -> None:
    attempts = []
    for _ in range(ATTEMPTS):
        put(database, migrations.known()[0])
        attempts.append(blocked_by(database, lambda: conversion.partition(database)))
        if not attempts[-1]:
            break
    assert min(attempts) == 0
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM message_ids")) == ROWS


def test_a_migration_waits_for_a_table_in_use_without_blocking_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, known = Database(database_url), migrations.known()
    migrations.upgrade(database)
    undo.unpartition(database)  # waits without an end, since nobody uses the tables then
    tries: list[float] = []
    release = threading.Event()
    monkeypatch.setattr(migrations, "PAUSE", 0.05)

    def pause(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 2:
            release.set()
            holder.join()

    monkeypatch.setattr(migrations.time, "sleep", pause)
    locked = threading.Event()

    def hold() -> None:
        with database.engine.begin() as connection:
            connection.execute(text("LOCK TABLE users IN ACCESS SHARE MODE"))
            connection.execute(text("LOCK TABLE messages IN ACCESS SHARE MODE"))
            connection.execute(text("LOCK TABLE hubs IN ACCESS SHARE MODE"))
            locked.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait()
    try:
        migrations.downgrade(database, "0033")
        migrations.upgrade(database)
    finally:
        release.set()
        holder.join()
    assert len(tries) == 2
    assert migrations.current(database) == known[0]
    database.dispose()
