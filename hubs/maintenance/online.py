"""Schema changes that keep a large table in use: for migrations on PostgreSQL, and the same effect on SQLite.

The rule for every migration after `LAST_BLOCKING` is in docs/upgrade.md: expand in one version, contract in a later
one, and hold no lock on a table for more than 100 ms. `tests/integration/test_migration_locks.py` checks it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

#: The last migration from before the rule; it and its predecessors may block writers on a large table.
LAST_BLOCKING = "0034"


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool = False, where: str = "") -> None:
    """Create an index while others write to the table; repeat it safely after an interruption.

    ``columns`` may be expressions, such as ``lower(username)``; ``where`` makes a partial index.
    """
    kind, condition = "UNIQUE INDEX" if unique else "INDEX", f" WHERE {where}" if where else ""
    content = f"ON {table} ({', '.join(columns)}){condition}"
    if op.get_bind().dialect.name != "postgresql":
        op.execute(f"CREATE {kind} IF NOT EXISTS {name} {content}")
        return
    partitions = _partitions(table)
    if partitions:
        # The index of the whole becomes valid with that of the last partition; those of later ones are created with it.
        op.execute(f"CREATE {kind} IF NOT EXISTS {name} ON ONLY {content.removeprefix('ON ')}")
    with _outside_of_a_transaction():
        for partition in partitions or [table]:
            own = name if not partitions else f"{name}{partition.removeprefix(table)}"
            _create_concurrently(own, kind, content.replace(f"ON {table} ", f"ON {partition} ", 1))
            if partitions:
                op.execute(f"ALTER INDEX {name} ATTACH PARTITION {own}")


def drop_index(name: str) -> None:
    """Remove an index while others use the table."""
    if op.get_bind().dialect.name != "postgresql":
        op.execute(f"DROP INDEX IF EXISTS {name}")
        return
    partitioned = "SELECT relkind = 'I' FROM pg_class WHERE oid = to_regclass(:name)"
    if op.get_bind().scalar(text(partitioned), {"name": name}):  # which PostgreSQL cannot drop concurrently
        op.execute(f"DROP INDEX {name}")
        return
    with _outside_of_a_transaction():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _create_concurrently(name: str, kind: str, content: str) -> None:
    # An interrupted creation leaves an invalid index, which costs writers time and serves no query.
    invalid = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid"
    if op.get_bind().scalar(text(invalid), {"name": name}):
        op.execute(f"DROP INDEX CONCURRENTLY {name}")
    op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} {content}")


def _partitions(table: str) -> list[str]:
    """Return the names of a table's partitions; none if it is not partitioned."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:name) ORDER BY 1"
    return list(op.get_bind().scalars(text(query), {"name": table}))


@contextmanager
def _outside_of_a_transaction() -> Iterator[None]:
    """Commit what the migration did so far, and run statements that need no transaction, for as long as they take."""
    with op.get_context().autocommit_block():
        before = op.get_bind().scalar(text("SHOW statement_timeout"))
        op.execute("SET statement_timeout = 0")
        # It waits for transactions that use the table, without holding up others, so it may wait for longer.
        locks = op.get_bind().scalar(text("SHOW lock_timeout"))
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET statement_timeout = '{before}'")
            op.execute(f"SET lock_timeout = '{locks}'")
