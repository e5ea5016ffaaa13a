"""Reads whether cached content may still be shown, from the rows themselves.

Entries of the cache are removed, and version tags replaced, after each commit. If the cache is unavailable at that
time, or merely a connection to it is broken, the old ones stay in place, and other processes cannot know. So the cache
alone never decides what a person may see: each cached response carries the versions of the rows that gave access to it,
and is used only if one statement finds the same versions now.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import literal_column, select
from sqlalchemy.exc import SQLAlchemyError

from hubs.models import Database, Widget
from hubs.permissions import VISITOR, visible_widgets

log = logging.getLogger(__name__)

# Every change of a hub, its widgets or its roles raises the version and sets the time. Two transactions that raise the
# same version at once set different times. SQL that changes hubs or roles must replace the reader tag as well.
_HUBS = "SELECT CAST(id AS varchar), version, CAST(updated_on AS varchar), reader_tag FROM hubs WHERE id {}"
#: Whether others may learn that an account is here: a change of that ends its streams, and no page may start new ones.
SHOWN = "users.activity || ' ' || CAST(users.unlisted AS varchar)"
_SIGN_IN = " UNION ALL SELECT digest, 0, {}, '' FROM sign_ins JOIN users ON users.id = user_id WHERE digest = {}"
_SQLITE = _HUBS.format("IN (SELECT value FROM json_each(?))"), _SIGN_IN.format(SHOWN, "?")
_POSTGRESQL = _HUBS.format("= ANY(CAST(%s AS integer[]))"), _SIGN_IN.format(SHOWN, "%s")
_PUBLIC_WIDGET = (
    select(Widget.version).join(Widget.hub).where(Widget.id == literal_column("{}"), visible_widgets(VISITOR))
)


class Access(NamedTuple):
    """The rows that a response depends on: hubs by id, and the browser's sign-in by digest, empty for visitors."""

    hubs: frozenset[int]
    sign_in: str


#: The versions of the rows of an `Access`; of each hub one for its pages, by its id, and one for its readers.
Versions = Mapping[str, tuple[int, str]]


def reader_row(hub: int | str) -> str:
    """Return the key among versions of what a hub's readers depend on: fewer changes than its pages do."""
    return f"reader:{hub}"


class RowVersions:
    """Reads versions of rows with single statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_sqlite = database.url.get_backend_name() == "sqlite"
        self._public_widget = ""

    def read(self, access: Access) -> Versions | None:
        """Return the current versions of rows; None if the database is unavailable, or one of the rows is gone."""
        hubs, sign_in = sorted(access.hubs), access.sign_in
        (of_hubs, of_sign_in), ids = (_SQLITE, json.dumps(hubs)) if self._is_sqlite else (_POSTGRESQL, _array(hubs))
        # For visitors without the second half: PostgreSQL plans a statement each time, and that takes longest.
        rows = self._run(of_hubs + of_sign_in, (ids, sign_in)) if sign_in else self._run(of_hubs, (ids,))
        if rows is None or len(rows) != len(hubs) + bool(sign_in):
            return None
        versions = {row: (version, changed) for row, version, changed, _ in rows}
        return versions | {reader_row(row): (0, tag) for row, _, _, tag in rows}

    def public_widget(self, widget_id: int) -> int | None:
        """Return the version of a widget that everybody may see; None for any other, or without the database."""
        if not self._public_widget:
            self._public_widget = self._compiled()
        rows = self._run(self._public_widget, (widget_id,))
        return rows[0][0] if rows else None

    def _compiled(self) -> str:
        """Return the statement of `public_widget` with a placeholder of the database's driver."""
        statement = _PUBLIC_WIDGET.compile(self._database.autocommit, compile_kwargs={"literal_binds": True})
        return str(statement).replace("{}", "?" if self._is_sqlite else "%s")

    def _run(self, statement: str, values: Sequence[object]) -> Sequence[Any] | None:
        # The driver's own cursor: this runs for every cached response, and SQLAlchemy's connection costs twice as much.
        engine = self._database.autocommit
        try:
            connection = engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute(statement, values)
                return cursor.fetchall()
            except engine.dialect.loaded_dbapi.Error as error:
                connection.invalidate(error)  # it may be broken; the next request opens another one
                raise
            finally:
                connection.close()
        except (engine.dialect.loaded_dbapi.Error, SQLAlchemyError) as error:
            log.warning("cached responses cannot be checked, the database does not answer: %s", error)
            return None


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
