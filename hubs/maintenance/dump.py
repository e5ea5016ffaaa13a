"""Copies a database to a file and back: pg_dump and pg_restore, or SQLite's own backup."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, inspect

from hubs.maintenance.manifest import BackupError
from hubs.models import Database

#: Where packages put the programs of PostgreSQL if they are not in the PATH.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


def kind(database: Database) -> str:
    """Return ``postgresql`` or ``sqlite``."""
    return database.url.get_backend_name()


def is_empty(database: Database) -> bool:
    """Return whether the database has no tables at all."""
    return not inspect(database.engine).get_table_names()


def save(database: Database, target: Path) -> None:
    """Write a consistent copy of a database that is in use to the file ``target``."""
    if kind(database) == "postgresql":
        # Owners and privileges are those of the database that it is restored into.
        options = ["--format=custom", "--no-owner", "--no-privileges", "--no-comments", f"--file={target}"]
        _run("pg_dump", *options, f"--dbname={_address(database.url)}", url=database.url)
        return
    # Not by way of the pool, whose connections belong to threads.
    with closing(sqlite3.connect(str(database.url.database))) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a journal beside it


def load(database: Database, source: Path) -> None:
    """Fill an empty database from a file of `save`: completely, or not at all."""
    if kind(database) == "postgresql":
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _run("pg_restore", *options, f"--dbname={_address(database.url)}", str(source), url=database.url)
        return
    target = Path(str(database.url.database))
    database.dispose()
    fresh = target.with_name(f".{target.name}.restored")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    with closing(sqlite3.connect(fresh)) as copy:
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            fresh.unlink()
            raise BackupError(f"{source} is no intact SQLite database.")
    for suffix in ("-wal", "-shm"):  # of the empty database that it replaces
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    fresh.replace(target)


def _address(url: URL) -> str:
    """Return the address of a PostgreSQL database for libpq, without the password, which every process could see."""
    arguments = {**url.translate_connect_args(username="user", database="dbname"), **url.query}
    arguments.pop("password", None)
    return " ".join(f"{name}={_quoted(str(value))}" for name, value in arguments.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _run(program: str, *arguments: str, url: URL) -> None:
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with arguments of our own
            [_find(program), *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BackupError(f"{program} cannot be started: {error.strerror}.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise BackupError(f"{program} failed: {lines[-1]}")


def _find(program: str) -> str:
    """Return the path of a program of PostgreSQL, the newest if there are several."""
    if name := shutil.which(program):
        return name
    candidates = [path for pattern in _FOLDERS for path in Path("/").glob(f"{pattern[1:]}/{program}")]
    if not candidates:
        raise BackupError(f"{program} is missing. Install PostgreSQL's client programs of the server's version.")
    return str(max(candidates, key=lambda path: (len(path.parent.parent.name), path.parent.parent.name)))
