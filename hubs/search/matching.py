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
# Exactly the expressions of the indexes of migration 0011; otherwise PostgreSQL reads every row.
_PLAIN = "to_tsvector('simple', translate({}, '-_.:/@', '      '))"
_WORDS = {
    "hubs": "hubs.name || ' ' || hubs.display_name || ' ' || hubs.summary || ' ' || left(hubs.description, 4000)",
    "users": "users.username || ' ' || users.fullname",
    "widgets": "widgets.label || ' ' || widgets.plugin",
}
_ONLY = {"hubs": "hubs.kind <> 'user'", "users": "true", "widgets": "widgets.label <> ''"}


def with_words(session: Session, table: str, query: Query) -> ColumnElement[bool]:
    """Return the condition that a row contains every word of a search, or a longer word that begins with it.

    A single letter must match a whole word: too many words begin with it.
    """
    return matching(session, table, [(word, len(word) > 1) for word in query.words])


def among(session: Session, of: InstrumentedAttribute[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a row's id is one of ``ids``, as one parameter: hundreds are slow to compile."""
    if on_sqlite(session):
        listed = text("SELECT value FROM json_each(:ids)").bindparams(ids=json.dumps(list(ids)))
        return of.in_(listed.columns(column("value", Integer)).subquery().select())
    numbers: Any = literal(list(ids), ARRAY(Integer))
    return of == any_(numbers)


def matching(session: Session, table: str, words: list[tuple[str, bool]]) -> ColumnElement[bool]:
    """Return the condition that a row contains all words; True beside a word allows it as a prefix."""
    if on_sqlite(session):
        return _in_fts(table, " ".join(f'"{word}"' + "*" * begins for word, begins in words))
    # Words consist of letters and digits only, so quotes are sufficient.
    terms = " & ".join(f"'{word}'" + ":*" * begins for word, begins in words)
    tsquery = func.to_tsquery(literal_column("'simple'"), terms)
    condition = literal_column(_PLAIN.format(_WORDS[table])).op("@@", is_comparison=True)(tsquery)
    return and_(condition, text(_ONLY[table])) if table == "hubs" else condition


def _in_fts(table: str, terms: str) -> ColumnElement[bool]:
    """Return the condition that FTS5 matches a row of ``table``."""
    where = f"WHERE search_words MATCH :{table}_words AND rowid % 3 = {CODES[table]}"
    statement = f"SELECT rowid / 3 AS id FROM search_words {where}"  # noqa: S608 - constant names
    matches = text(statement).bindparams(**{f"{table}_words": terms}).columns(column("id", Integer))
    return IDS[table].in_(matches.subquery().select())


def on_sqlite(session: Session) -> bool:
    """Return whether the session is on SQLite."""
    return session.get_bind().dialect.name == "sqlite"
