"""Alembic's entry: runs the migrations on the database that the caller or the settings name."""

from alembic import context

from hubs.models import Base, Database, search_index
from hubs.settings import load


def _run() -> None:
    database = context.config.attributes.get("database") or Database(load().database)
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # SQLite changes a column by recreating the table; dropping the old one would cascade to other tables.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            render_as_batch=True,  # SQLite cannot alter a column in place
            user_module_prefix="models.",
            include_name=search_index.is_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
        search_index.keep(connection)
        connection.commit()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


_run()
