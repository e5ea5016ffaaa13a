"""Alembic's entry: runs the migrations on the database that the caller or the settings name."""

from alembic import context

from hubs.models import Base, Database, migrations, search_index
from hubs.models.months import layout
from hubs.settings import load


def _run() -> None:
    database = context.config.attributes.get("database") or Database(load().database)
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # SQLite changes a column by recreating the table; dropping the old one would cascade to other tables.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        else:
            # A change that waits for its lock makes everybody behind it wait as well: it gives up early and is
            # repeated by `hubs.models.migrations.upgrade`.
            connection.exec_driver_sql(f"SET lock_timeout = '{migrations.LOCK_TIMEOUT}ms'")
            connection.commit()
        is_compared = layout.compared(connection)
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            render_as_batch=True,  # SQLite cannot alter a column in place
            user_module_prefix="models.",
            include_name=lambda *what: search_index.is_ours(*what) and not layout.is_ours(what[0] or ""),
            include_object=is_compared,
            # What is done stays done if a later migration fails, and indexes can be created outside of a transaction.
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        search_index.keep(connection)
        connection.commit()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        else:  # the connection goes back to the pool
            connection.exec_driver_sql("RESET lock_timeout")
            connection.commit()


_run()
