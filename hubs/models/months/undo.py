"""Makes the tables of stored messages plain again, for a return to a version that knows no partitions."""

from sqlalchemy import Connection, text

from hubs.models.database import Database
from hubs.models.months import conversion, dropping, layout, triggers
from hubs.models.months.layout import IDS, OTHER, REFERRING, TABLES


def unpartition(database: Database) -> None:
    """Copy all stored messages into plain tables, in one transaction; nobody can use them meanwhile.

    Also removes what an interrupted conversion left. Does nothing on SQLite.
    """
    if database.url.get_backend_name() != "postgresql":
        return
    with database.engine.begin() as connection:
        if connection.scalar(text(f"SELECT to_regclass('{IDS}')")) is None:
            return
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        dropping.forget_changes(connection)
        if layout.is_partitioned(connection):
            connection.execute(text(f"LOCK TABLE {', '.join((*TABLES, *REFERRING))} IN ACCESS EXCLUSIVE MODE"))
            _merge(connection)
        else:
            conversion.clear(connection)
        triggers.unwatch(connection, "messages")
        for table in REFERRING:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {layout.identity_key(table)}"))
        triggers.drop(connection)


def _merge(connection: Connection) -> None:
    """Copy the rows of all partitions into the tables of `OTHER`, and make those the only ones."""
    # What refers to messages that were dropped with their month goes first, as when they had been deleted.
    dropped = "SELECT FROM messages WHERE id = message_id AND messages.received_at = ids.received_at"
    connection.execute(text(f"DELETE FROM {IDS} ids WHERE NOT EXISTS ({dropped})"))  # noqa: S608 - names of our own
    definitions = {table: layout.indexes(connection, table) for table in TABLES}
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {table}_{OTHER}"))
    for table in reversed(TABLES):
        _remove_keys(connection, f"{table}_{OTHER}")
    for table in TABLES:
        listed = layout.columns(connection, table)
        copy = f"INSERT INTO {table}_{OTHER} ({listed}) SELECT {listed} FROM {table}"  # noqa: S608 - names of our own
        connection.execute(text(copy))
    connection.execute(text(f"ALTER SEQUENCE messages_id_seq OWNED BY messages_{OTHER}.id"))
    connection.execute(text(f"DROP TABLE {', '.join(TABLES)}"))
    for suffix in layout.detached(connection):
        if suffix != OTHER:
            layout.drop(connection, suffix)
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table}_{OTHER} RENAME TO {table}"))
        for name, content in definitions[table].items():
            connection.execute(text(f"CREATE INDEX {name} ON {table} USING {content}"))
    _add_keys(connection)


def _remove_keys(connection: Connection, table: str) -> None:
    for name in layout.indexes(connection, table):
        connection.execute(text(f"DROP INDEX {name}"))
    query = """SELECT conname FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) AND contype IN ('f', 'p')
      ORDER BY contype"""
    for name in connection.scalars(text(query), {"name": table}).all():
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))


def _add_keys(connection: Connection) -> None:
    keys = {"messages": "id", "message_people": "message_id, username", "message_packages": "message_id, package"}
    for table, key in keys.items():
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key})"))
    connection.execute(text("ALTER TABLE messages ADD CONSTRAINT uq_messages_msg_id UNIQUE (msg_id)"))
    hub = "FOREIGN KEY (hub_id) REFERENCES hubs (id) ON DELETE CASCADE"
    connection.execute(text(f"ALTER TABLE messages ADD CONSTRAINT fk_messages_hub_id {hub}"))
    message = "FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE"
    for table in ("message_people", "message_packages", *REFERRING):
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_message_id {message}"))
