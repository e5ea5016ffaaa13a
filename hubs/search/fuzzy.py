"""Fuzzy search: a few rows whose title resembles a mistyped search."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from types import MappingProxyType

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hubs.models.search_index import CODES
from hubs.search.matching import IDS, matching, on_sqlite
from hubs.search.query import Query, halves

#: Least closeness of a title that is suggested.
ALIKE = 0.4
#: Similarity thresholds on PostgreSQL, tried in turn until there are enough rows.
BOUNDS = (0.7, 0.5, 0.4)
#: Enough rows to stop at a threshold.
FEW = 3
#: Candidates per kind; rows rated per kind on PostgreSQL; rows read of all kinds on SQLite.
LOOKED_AT, RATED, READ = 50, 400, 4000

_KINDS: Mapping[int, str] = MappingProxyType({code: table for table, code in CODES.items()})
# The very expressions of the indexes of migration 0011, or PostgreSQL would read every row.
_SIMILAR = (
    ("hubs", "lower(name || ' ' || display_name)", "kind <> 'user'"),
    ("users", "lower(username || ' ' || fullname)", "true"),
    ("widgets", "lower(label)", "label <> ''"),
)
_THERE = " AND ".join(f"to_regclass('search_{table}_similar') IS NOT NULL" for table, *_ in _SIMILAR)
# Rating is what costs, so it is bounded; a bound makes PostgreSQL read tables from their start, where it may.
_PREPARED = text(
    f"SELECT {_THERE}, current_setting('enable_seqscan'), set_config('enable_seqscan', 'off', true), "
    "set_config('pg_trgm.word_similarity_threshold', :least, true)"
)
_RESTORED = text("SELECT set_config('enable_seqscan', :before, true)")
_ALIKE = text(
    " UNION ALL ".join(
        f"(SELECT '{table}', id FROM (SELECT id, {title} AS title FROM {table} "  # noqa: S608 - names of our own
        f"WHERE :typed <% {title} AND {only} LIMIT {RATED}) AS {table} "
        f"ORDER BY word_similarity(:typed, title) DESC LIMIT {LOOKED_AT})"
        for table, title, only in _SIMILAR
    )
)
_GRAMS = text(f"SELECT rowid, title FROM search_trigrams WHERE search_trigrams MATCH :terms LIMIT {READ}")  # noqa: S608


def alike(session: Session, wanted: Query) -> Mapping[str, Sequence[int]]:
    """Return candidate ids by table, to be ranked by `closeness`.

    They are not filtered by permission.
    """
    if on_sqlite(session):
        return _on_sqlite(session, wanted)
    found: dict[str, list[int]] = {}
    kept = ""
    for least in BOUNDS:
        # Checked each time: an operator can create the indexes while we run.
        there, before, *_ = session.execute(_PREPARED, {"least": str(least)}).one()
        kept = kept or before
        # The nearly equal stay, also where a lower bound lets in more than are rated.
        for table, ids in (_similar(session, wanted) if there else _begins(session, wanted)).items():
            found[table] = list(dict.fromkeys([*found.get(table, ()), *ids]))[:LOOKED_AT]
        if not there or sum(map(len, found.values())) >= FEW:
            break
    session.execute(_RESTORED, {"before": kept})
    return found


def _similar(session: Session, wanted: Query) -> Mapping[str, Sequence[int]]:
    """Return the ids above the current similarity threshold, the most similar first."""
    found: dict[str, list[int]] = {}
    for table, number in session.execute(_ALIKE, {"typed": " ".join(wanted.words)}):
        found.setdefault(table, []).append(number)
    return found


def _begins(session: Session, wanted: Query) -> Mapping[str, Sequence[int]]:
    """Return ids by the beginnings of the words, for a database without the trigram indexes."""
    words = [(word[: max(3, len(word) // 2)], True) for word in wanted.words]
    queries = {table: select(IDS[table]).where(matching(session, table, words)).limit(LOOKED_AT) for table in CODES}
    return {table: session.scalars(query).all() for table, query in queries.items()}


def _on_sqlite(session: Session, wanted: Query) -> Mapping[str, Sequence[int]]:
    """Return the rows that share most trigrams with the search, among those that contain half of one of its words."""
    terms = " OR ".join(f'"{half}"' for half in sorted({half for word in wanted.words for half in halves(word)}))
    if not terms:
        return {}
    grams = {word[at : at + 3] for word in wanted.words for at in range(len(word) - 2)}
    rated: dict[str, list[tuple[int, int]]] = {}
    for row, title in session.execute(_GRAMS, {"terms": terms}):
        folded = title.lower()
        # FTS5 can rank too, but it would read every row that has any of the trigrams.
        rated.setdefault(_KINDS[row % 3], []).append((sum(gram in folded for gram in grams), row // 3))
    return {table: [number for _, number in nlargest(LOOKED_AT, rows)] for table, rows in rated.items()}
