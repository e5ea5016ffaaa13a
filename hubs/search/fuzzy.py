"""Fuzzy search: a few rows whose title resembles a mistyped search."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from types import MappingProxyType

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hubs.models.search_index import CODES
from hubs.search.matching import IDS, matching, on_sqlite
from hubs.search.query import Query, halves

#: Minimum closeness of a suggested title.
MIN_CLOSENESS = 0.4
#: Similarity thresholds on PostgreSQL, tried in turn until there are enough rows.
BOUNDS = (0.7, 0.5, 0.4)
#: Enough rows to stop at a threshold.
FEW = 3
#: Candidates per kind; rows rated per kind on PostgreSQL; rows read over all kinds on SQLite.
LOOKED_AT, RATED, READ = 50, 400, 4000

_KINDS: Mapping[int, str] = MappingProxyType({code: table for table, code in CODES.items()})
# Exactly the expressions of the indexes of migration 0011; otherwise PostgreSQL reads every row.
_SIMILAR = (
    ("hubs", "lower(name || ' ' || display_name)", "kind <> 'user'"),
    ("users", "lower(username || ' ' || fullname)", "true"),
    ("widgets", "lower(label)", "label <> ''"),
)
_THERE = " AND ".join(f"to_regclass('search_{table}_similar') IS NOT NULL" for table, *_ in _SIMILAR)
# Rating is expensive, so the rows are limited. With a limit, the planner would prefer sequential scans: disable them.
_PREPARED = text(
    f"SELECT {_THERE}, current_setting('enable_seqscan'), set_config('enable_seqscan', 'off', true), "
    "set_config('pg_trgm.word_similarity_threshold', :least, true)"
)
_RESTORED = text("SELECT set_config('enable_seqscan', :before, true)")
_ALIKE = text(
    " UNION ALL ".join(
        f"(SELECT '{table}', id FROM (SELECT id, {title} AS title FROM {table} "  # noqa: S608 - constant names
        f"WHERE :typed <% {title} AND {only} LIMIT {RATED}) AS {table} "
        f"ORDER BY word_similarity(:typed, title) DESC LIMIT {LOOKED_AT})"
        for table, title, only in _SIMILAR
    )
)
_GRAMS = text(f"SELECT rowid, title FROM search_trigrams WHERE search_trigrams MATCH :terms LIMIT {READ}")  # noqa: S608


def similar(session: Session, query: Query) -> Mapping[str, Sequence[int]]:
    """Return candidate ids by table, to be ranked by `closeness`.

    They are not filtered by permission.
    """
    if on_sqlite(session):
        return _on_sqlite(session, query)
    ids_by_table: dict[str, list[int]] = {}
    previous = ""
    for least in BOUNDS:
        # Checked each time: an operator can create the indexes while we run.
        has_indexes, before, *_ = session.execute(_PREPARED, {"least": str(least)}).one()
        previous = previous or before
        # Keep the most similar rows even if a lower threshold matches more rows than are rated.
        for table, ids in (_similar(session, query) if has_indexes else _begins(session, query)).items():
            ids_by_table[table] = list(dict.fromkeys([*ids_by_table.get(table, ()), *ids]))[:LOOKED_AT]
        if not has_indexes or sum(map(len, ids_by_table.values())) >= FEW:
            break
    session.execute(_RESTORED, {"before": previous})
    return ids_by_table


def _similar(session: Session, query: Query) -> Mapping[str, Sequence[int]]:
    """Return the ids above the current similarity threshold, the most similar first."""
    ids: dict[str, list[int]] = {}
    for table, number in session.execute(_ALIKE, {"typed": " ".join(query.words)}):
        ids.setdefault(table, []).append(number)
    return ids


def _begins(session: Session, query: Query) -> Mapping[str, Sequence[int]]:
    """Return ids by the beginnings of the words, for a database without the trigram indexes."""
    words = [(word[: max(3, len(word) // 2)], True) for word in query.words]
    queries = {table: select(IDS[table]).where(matching(session, table, words)).limit(LOOKED_AT) for table in CODES}
    return {table: session.scalars(statement).all() for table, statement in queries.items()}


def _on_sqlite(session: Session, query: Query) -> Mapping[str, Sequence[int]]:
    """Return the rows that share most trigrams with the search, among those that contain half of one of its words."""
    terms = " OR ".join(f'"{half}"' for half in sorted({half for word in query.words for half in halves(word)}))
    if not terms:
        return {}
    grams = {word[at : at + 3] for word in query.words for at in range(len(word) - 2)}
    rated: dict[str, list[tuple[int, int]]] = {}
    for row, title in session.execute(_GRAMS, {"terms": terms}):
        folded = title.lower()
        # FTS5 can rank too, but it would read every row that has any of the trigrams.
        rated.setdefault(_KINDS[row % 3], []).append((sum(gram in folded for gram in grams), row // 3))
    return {table: [number for _, number in nlargest(LOOKED_AT, rows)] for table, rows in rated.items()}
