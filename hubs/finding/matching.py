"""Conditions that find rows by words, and by what is written alike, in the terms of each database."""

from types import MappingProxyType

from sqlalchemy import ColumnElement, Integer, and_, column, false, func, literal, literal_column, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from hubs.finding.words import Wanted
from hubs.models import Hub, User, Widget
from hubs.models.finding import CODES

#: From which closeness on a title is offered as what may have been meant.
ALIKE = 0.4
#: What PostgreSQL offers of short and of longer searches: among many names a lower bound would offer too much.
SHORT, BOUND_SHORT, BOUND_LONG = 7, 0.4, 0.5
#: Rows of a kind that are looked at for typos.
LOOKED_AT = 50
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
_TITLES = {
    "hubs": "lower(hubs.name || ' ' || hubs.display_name)",
    "users": "lower(users.username || ' ' || users.fullname)",
    "widgets": "lower(widgets.label)",
}
_ONLY = {"hubs": "hubs.kind <> 'user'", "users": "true", "widgets": "widgets.label <> ''"}


def with_words(session: Session, table: str, wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition that a row has every word of a search, or a word that begins with it.

    A single letter counts only as a word of its own: too much begins with it.
    """
    return _matching(session, table, [(word, len(word) > 1) for word in wanted.words])


def alike(session: Session, table: str, wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition that selects a few rows whose title may be what was meant: judge them by `closeness`."""
    if _on_sqlite(session):
        grams = {word[at : at + 3] for word in wanted.words for at in range(len(word) - 2)}
        terms = " OR ".join(f'"{gram}"' for gram in sorted(grams))
        return _in_fts("search_trigrams", table, terms, "ORDER BY rank") if terms else false()
    # Whether the index is there is asked each time: an operator can add it while we run.
    if session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": f"search_{table}_similar"}):
        limit = text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)")
        least = BOUND_SHORT if len(wanted.text) < SHORT else BOUND_LONG
        session.execute(limit, {"least": str(least)})
        title: ColumnElement[str] = literal_column(_TITLES[table])
        typed = literal(" ".join(wanted.words))
        few = select(IDS[table]).where(typed.op("<%", is_comparison=True)(title), text(_ONLY[table]))
        return IDS[table].in_(few.order_by(func.word_similarity(typed, title).desc()).limit(LOOKED_AT).correlate(None))
    return _matching(session, table, [(word[: max(3, len(word) // 2)], True) for word in wanted.words])


def _matching(session: Session, table: str, words: list[tuple[str, bool]]) -> ColumnElement[bool]:
    """Return the condition that a row has all words; with True also those that only begin so."""
    if _on_sqlite(session):
        return _in_fts("search_words", table, " ".join(f'"{word}"' + "*" * begins for word, begins in words))
    # Words are letters and digits only, so quoting them is enough for any of them.
    terms = " & ".join(f"'{word}'" + ":*" * begins for word, begins in words)
    query = func.to_tsquery(literal_column("'simple'"), terms)
    found = literal_column(_PLAIN.format(_WORDS[table])).op("@@", is_comparison=True)(query)
    return and_(found, text(_ONLY[table])) if table == "hubs" else found


def _in_fts(index: str, table: str, terms: str, order: str = "") -> ColumnElement[bool]:
    """Return the condition that a row of ``table`` is among those that FTS5 finds, with an order: the first ones."""
    few = f"{order} LIMIT {LOOKED_AT}" if order else ""
    code = CODES[table]
    where = f"WHERE {index} MATCH :{table}_{index} AND rowid % 3 = {code}"
    query = f"SELECT rowid / 3 AS id FROM {index} {where} {few}"  # noqa: S608 - names of our own
    found = text(query).bindparams(**{f"{table}_{index}": terms}).columns(column("id", Integer))
    return IDS[table].in_(found.subquery().select())


def _on_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
