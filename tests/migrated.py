"""A database as the first migration left it, with something in every table, and what must still be there afterwards."""

from collections.abc import Callable

from sqlalchemy import text

from hubs.models import Database, migrations

_ROWS = (
    "INSERT INTO users (username, fullname, timezone, locale, about, created_on)"
    " VALUES ('ottoline', '', 'UTC', '', '', '2026-01-01')",
    "INSERT INTO hubs (kind, name, display_name, summary, description, avatar, banner, visibility, archived,"
    " left_width, extras, user_id, version, created_on, updated_on)"
    " VALUES ('team', 'otters', '', '', '', '', '', 'public', false, 8, '{}', 1, 1, '2026-01-01', '2026-01-01')",
    "INSERT INTO widgets (hub_id, plugin, label, side, position, settings, version, created_on, updated_on)"
    " VALUES (1, 'feed', '', 'left', 0, '{}', 1, '2026-01-01', '2026-01-01')",
    "INSERT INTO widgets (hub_id, plugin, label, side, position, settings, version, created_on, updated_on)"
    " VALUES (1, 'feed', '', 'left', 1, '{}', 1, '2026-01-01', '2026-01-01')",
    "INSERT INTO roles (hub_id, user_id, role, created_on) VALUES (1, 1, 'owner', '2026-01-01')",
    "INSERT INTO messages (msg_id, topic, category, sent_at, received_at, sentence, link, icon)"
    " VALUES ('m1', 'a.b.dev.c', 'c', '2026-01-01', '2026-01-01', '', '', '')",
    "INSERT INTO message_people (message_id, username, sent_at, category) VALUES (1, 'ottoline', '2026-01-01', 'c')",
)
_TABLES = ("users", "hubs", "widgets", "roles", "messages", "message_people")


def lost_by_upgrading(database: Database) -> dict[str, tuple[int, int]]:
    """Empty the database, fill it as the first migration left it, upgrade; return the tables whose rows were lost."""
    migrations.downgrade(database, "base")
    migrations.upgrade(database, "0001")
    with database.engine.begin() as connection:
        for row in _ROWS:
            connection.execute(text(row))
    before = _counts(database)
    migrations.upgrade(database)
    after = _counts(database)
    return {table: (before[table], after[table]) for table in _TABLES if before[table] != after[table]}


def lost_by_returning(database: Database) -> dict[str, tuple[int, int]]:
    """Downgrade a filled database to the first migration and upgrade it again; return the tables that lost rows."""
    before = _counts(database)
    migrations.downgrade(database, "0001")
    between = _counts(database)
    migrations.upgrade(database)
    after = _counts(database)
    return {table: rows for table in _TABLES if (rows := (between[table], after[table])) != (before[table],) * 2}


def _counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in _TABLES}


def within(database: Database, change: Callable[[], object]) -> None:
    """Make a change of the schema in a migration's context."""
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        with context.begin_transaction(_per_migration=True), Operations.context(context):
            change()
