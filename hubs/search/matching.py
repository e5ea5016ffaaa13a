"""SQL conditions that match rows by words, for either database."""

import json
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, and_, any_, column, func, literal, literal_column, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from hubs.models import Hub, User, Widget
from hubs.models.search_index import CODES
from hubs.search.query import Query

IDS: MappingProxyType[str, InstrumentedAttribute[int]] = MappingProxyType(
    {"hubs": Hub.id, "users": User.id, "widgets": Widget.id}
)
# The very expressions of the indexes of migration 0011, or PostgreSQL would read every row.
_PLAIN = "to_tsvector('simple', translate({}, '-_.:/@', '      '))"
_WORDS = {
    "hubs": "hubs.name || ' ' || hubs.display_name || ' ' || hubs.summary || ' ' || left(hubs.description, 4000)",
    "users": "users.username || ' ' || users.fullname",
    "widgets": "widgets.label || ' ' || widgets.plugin",
}
_ONLY = {"hubs": "hubs.kind <> 'user'", "users": "true", "widgets": "widgets.label <> ''"}


def with_words(session: Session, table: str, wanted: Query) -> ColumnElement[bool]:
    """Return the condition that a row has every word of a search, or a word that begins with it.

    A single letter counts only as a word of its own: too much begins with it.
    """
    return matching(session, table, [(word, len(word) > 1) for word in wanted.words])


def among(session: Session, of: InstrumentedAttribute[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a row's id is one of ``ids``, in one parameter: hundreds are slow to compile."""
    if on_sqlite(session):
        listed = text("SELECT value FROM json_each(:ids)").bindparams(ids=json.dumps(list(ids)))
        return of.in_(listed.columns(column("value", Integer)).subquery().select())
    numbers: Any = literal(list(ids), ARRAY(Integer))
    return of == any_(numbers)


def matching(session: Session, table: str, words: list[tuple[str, bool]]) -> ColumnElement[bool]:
    """Return the condition that a row has all words; True beside a word allows it as a prefix."""
    if on_sqlite(session):
        return _in_fts(table, " ".join(f'"{word}"' + "*" * begins for word, begins in words))
    # Words are letters and digits only, so quoting them is enough for any of them.
    terms = " & ".join(f"'{word}'" + ":*" * begins for word, begins in words)
    query = func.to_tsquery(literal_column("'simple'"), terms)
    found = literal_column(_PLAIN.format(_WORDS[table])).op("@@", is_comparison=True)(query)
    return and_(found, text(_ONLY[table])) if table == "hubs" else found


def _in_fts(table: str, terms: str) -> ColumnElement[bool]:
    """Return the condition that a row of ``table`` is among those that FTS5 finds."""
    where = f"WHERE search_words MATCH :{table}_words AND rowid % 3 = {CODES[table]}"
    query = f"SELECT rowid / 3 AS id FROM search_words {where}"  # noqa: S608 - names of our own
    found = text(query).bindparams(**{f"{table}_words": terms}).columns(column("id", Integer))
    return IDS[table].in_(found.subquery().select())


def on_sqlite(session: Session) -> bool:
    """Return whether the session is on SQLite."""
    return session.get_bind().dialect.name == "sqlite"
