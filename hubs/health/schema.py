"""Whether the code can work with the schema of the database."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hubs.errors import BadSetting
from hubs.models import Database
from hubs.models.database import is_unavailable, migration_folder

log = logging.getLogger(__name__)

#: The status with which a worker of gunicorn says that starting others is pointless.
CANNOT_START = 3

_REVISION = re.compile(r"^(\d{4})_", re.ASCII)


def expected() -> str:
    """Return the newest revision that this code knows."""
    names = (_REVISION.match(path.name) for path in (migration_folder() / "versions").glob("*.py"))
    return max((match[1] for match in names if match), default="")


def current(database: Database) -> str:
    """Return the revision of the database; empty if it has no tables of ours.

    :raises sqlalchemy.exc.SQLAlchemyError: when it does not answer.
    """
    with database.session() as session:
        try:
            return str(session.scalar(text("SELECT version_num FROM alembic_version")) or "")
        except DBAPIError as error:
            if is_unavailable(error) and "no such table" not in str(error):
                raise
            return ""


def problem(database: Database) -> str:
    """Return what is wrong with the schema, and what to run; empty if the code accepts it.

    A newer one is accepted: migrations expand first, so that code keeps running until its own upgrade.

    :raises sqlalchemy.exc.SQLAlchemyError: when the database does not answer.
    """
    revision, newest = current(database), expected()
    if revision >= newest:
        return ""
    state = f"is {revision}" if revision else "does not exist"
    return f"The schema of the database {state}; this version of Hubs needs {newest}. Run: hubs db upgrade"


def require(database: Database) -> None:
    """Refuse an older schema at the start; log a newer one. An unavailable database is not waited for.

    :raises BadSetting: with the command to run.
    """
    try:
        if reason := problem(database):
            raise BadSetting(reason)
        if (revision := current(database)) > expected():
            log.warning("the schema of the database is newer (%s) than this code (%s)", revision, expected())
    except SQLAlchemyError as error:
        log.warning("the schema cannot be checked, the database does not answer: %s", error)


@contextmanager
def startup(name: str) -> Iterator[None]:
    """End the process with one sentence if a setting or the schema does not let ``name`` start."""
    try:
        yield
    except BadSetting as error:
        log.critical("the %s cannot start: %s", name, error)
        sys.exit(CANNOT_START)
