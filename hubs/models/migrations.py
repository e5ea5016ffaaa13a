"""Applies the migrations, which are part of the package."""

import logging
import time
from collections.abc import Callable, Iterator

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy.exc import OperationalError

from hubs.models.database import Database, migration_folder
from hubs.models.months import undo

log = logging.getLogger(__name__)

#: Milliseconds for which a migration waits for the lock of a table in use, seconds until it tries again, and tries.
LOCK_TIMEOUT, PAUSE, TRIES = 100, 0.5, 60
#: The first migration whose code can use partitioned tables.
PARTITIONS = "0045"
_LOCK_NOT_AVAILABLE = "55P03"


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to ``revision``."""
    _retry(lambda: command.upgrade(_config(database), revision))


def downgrade(database: Database, revision: str) -> None:
    """Undo migrations down to ``revision``; ``base`` empties the database.

    Versions before `PARTITIONS` know no months: their tables are made plain again, which takes a copy of all messages.
    """
    if revision == "base" or revision < PARTITIONS:
        undo.unpartition(database)
    _retry(lambda: command.downgrade(_config(database), revision))


def current(database: Database) -> str:
    """Return the newest migration that was applied to the database; empty if it has none."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def known() -> tuple[str, ...]:
    """Return all migrations of this version of Hubs, the newest first."""
    return tuple(script.revision for script in _scripts())


def history() -> list[tuple[str, str]]:
    """Return all migrations of this version of Hubs with their first line, the newest first."""
    return [(script.revision, script.doc.splitlines()[0]) for script in _scripts()]


def check(database: Database) -> None:
    """Raise ``alembic.util.exc.CommandError`` if the tables of the database differ from the models."""
    command.check(_config(database))


def revise(database: Database, message: str) -> None:
    """Write the next migration from the differences between the models and the database; use PostgreSQL for it.

    :raises alembic.util.exc.CommandError: if the database lacks a migration.
    """
    number = max(int(revision) for revision in known() if revision.isdigit()) + 1
    command.revision(_config(database), message, autogenerate=True, rev_id=f"{number:04}")


def _scripts() -> Iterator[Script]:
    return ScriptDirectory.from_config(_config()).walk_revisions()


def _config(database: Database | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migration_folder()))
    config.set_main_option("path_separator", "os")
    config.attributes["database"] = database
    return config


def _retry(migrate: Callable[[], object]) -> None:
    """Repeat migrations that could not lock a table at once; those that were committed are not repeated."""
    for attempt in range(1, TRIES + 1):
        try:
            migrate()
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE or attempt == TRIES:
                raise
            log.info("a table is in use; trying again in %s seconds", PAUSE)
            time.sleep(PAUSE)
        else:
            return
