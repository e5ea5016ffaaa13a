"""Alembic's entry: runs the migrations on the database that the caller or the settings name."""

from alembic import context

from hubs.models import Base, Database
from hubs.settings import load


def _run() -> None:
    database = context.config.attributes.get("database") or Database(load().database)
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            render_as_batch=True,  # SQLite cannot alter a column in place
            user_module_prefix="models.",
        )
        with context.begin_transaction():
            context.run_migrations()


_run()
