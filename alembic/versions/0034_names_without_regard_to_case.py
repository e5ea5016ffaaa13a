"""Names of hubs and of people are unique without regard to case.

Where names clash already, they keep working under their exact names and are logged. The index is not unique then, and
new names are checked by the application alone.

Revision: 0034, after 0033
"""

import logging

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

log = logging.getLogger("hubs.migrations")

#: For each index: its table, its columns on PostgreSQL, its column and condition on SQLite, and the query for clashes.
#: SQLite has partial indexes with a collation, since indexes on expressions cannot be reflected there.
_SPACE = "CASE WHEN kind = 'user' THEN 'u' ELSE 't' END"
_INDEXES = {
    "search_users_any_case": ("users", "lower(username)", "username COLLATE NOCASE", ""),
    "search_hubs_any_case_u": ("hubs", "", "name COLLATE NOCASE", "WHERE kind = 'user'"),
    "search_hubs_any_case_t": ("hubs", "", "name COLLATE NOCASE", "WHERE (kind = 'user') IS NOT TRUE"),
    "search_hubs_any_case": ("hubs", "lower(name), (kind = 'user')", "", ""),
}
_CLASHES = {
    "users": "SELECT '/u/', username FROM users WHERE lower(username) IN"
    " (SELECT lower(username) FROM users GROUP BY lower(username) HAVING count(*) > 1) ORDER BY lower(username), id",
    "hubs": f"SELECT '/' || {_SPACE} || '/', name FROM hubs WHERE {_SPACE} || lower(name) IN"  # noqa: S608 - constants
    f" (SELECT {_SPACE} || lower(name) FROM hubs GROUP BY {_SPACE} || lower(name) HAVING count(*) > 1)"
    " ORDER BY lower(name), id",
}


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:  # the connection's statement timeout may be too short for this
        op.execute("SET LOCAL statement_timeout = 0")
    clashes = {table: connection.execute(sa.text(query)).all() for table, query in _CLASHES.items()}
    for table, rows in clashes.items():
        if rows:
            named = ", ".join(f"{space}{name}" for space, name in rows)
            log.warning("names of %s that differ only in case keep working, but confuse people: %s", table, named)
    for name, (table, postgresql, sqlite, condition) in _INDEXES.items():
        unique = "" if clashes[table] else "UNIQUE"
        if is_postgresql and postgresql:
            op.execute(f"CREATE {unique} INDEX {name} ON {table} ({postgresql})")
        elif not is_postgresql and sqlite:
            op.execute(f"CREATE {unique} INDEX {name} ON {table} ({sqlite}) {condition}")


def downgrade() -> None:
    """Undo."""
    for name in _INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")
