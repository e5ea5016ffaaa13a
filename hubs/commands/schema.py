"""The command ``hubs db``: the schema of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic.util.exc import CommandError

from hubs import __version__
from hubs.models import Database, migrations
from hubs.models.months import conversion, layout, upkeep
from hubs.models.months import undo as undoing
from hubs.services import create_database
from hubs.settings import load


@click.group()
def db() -> None:
    """Manage the database."""


@db.command()
def upgrade() -> None:
    """Migrate the tables to the current schema; the migrations are part of the package.

    On a new PostgreSQL database stored messages are partitioned by month.
    """
    with _database() as database:
        before = _known(database)
        migrations.upgrade(database)
        if not before and _is_postgresql(database):
            conversion.partition_empty(database)
        click.echo(_change(before, migrations.current(database)))


@db.command()
def current() -> None:
    """Show the schema of the database, and the one of this version of Hubs."""
    with _database() as database:
        schema, newest = migrations.current(database), migrations.known()[0]
    click.echo(f"database\t{schema or 'empty'}\nHubs {__version__}\t{newest}")
    if schema not in migrations.known():
        click.echo("The tables are empty: run hubs db upgrade" if not schema else "The tables are of a newer version.")
    elif schema != newest:
        click.echo("The tables are of an older version: run hubs db upgrade")


@db.command()
def history() -> None:
    """List the migrations, the newest first; an asterisk marks those that the database has."""
    with _database() as database:
        schema = migrations.current(database)
    applied = False
    for revision, title in migrations.history():
        applied = applied or revision == schema
        click.echo(f"{'*' if applied else ' '} {revision}  {title}")


@db.command()
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, yes: bool) -> None:
    """Undo the migrations after REVISION, for a return to an older version of Hubs.

    Run it with the newer version, before the older one is installed. Columns and tables that the older version does not
    have are removed with their content: make a backup first. A version that knows no partitions needs plain tables,
    into which all messages are copied: stop Hubs before.
    """
    with _database() as database:
        before = _known(database)
        known = migrations.known()
        if revision not in known:
            raise click.ClickException(f"There is no migration {revision}. `hubs db history` lists them.")
        if not before or known.index(revision) < known.index(before):
            raise click.ClickException(f"The database is at {before or 'nothing'}, which is before {revision}.")
        if not yes:
            click.confirm(f"Undo {known.index(revision) - known.index(before)} migrations?", abort=True)
        migrations.downgrade(database, revision)
        click.echo(_change(before, migrations.current(database)))


@db.command()
@click.option("--undo", is_flag=True, help="Copy all messages into plain tables; stop Hubs before.")
def partition(undo: bool) -> None:
    """Partition stored messages by month, on PostgreSQL, while Hubs runs.

    Old months are then dropped as a whole. Every process must run this version of Hubs; the version before does not run
    on partitioned tables. Repeat the command if it was interrupted. Where the tables are partitioned already, it
    creates the next months, as the daemon does every hour.
    """
    with _database() as database:
        if not _is_postgresql(database):
            raise click.ClickException("Only PostgreSQL has partitions. On SQLite there is nothing to do.")
        if _known(database) != migrations.known()[0]:
            raise click.ClickException("The tables are of an older version. Run: hubs db upgrade")
        with database.engine.connect() as connection:
            done = layout.is_partitioned(connection)
        if undo:
            undoing.unpartition(database)
        else:
            (upkeep.create_ahead if done else conversion.partition)(database)
        with database.engine.connect() as connection:
            names = [partition.suffix.replace("_", "-") for partition in layout.partitions(connection)]
        click.echo(
            f"Stored messages are partitioned: {', '.join(names)}." if names else "Stored messages are in one table."
        )


@db.command()
def check() -> None:
    """Compare the tables with the models; fail when they differ."""
    with _database() as database, _explained():
        migrations.check(database)


@db.command()
@click.argument("message")
def revise(message: str) -> None:
    """Write the next migration, for the differences between the models and a PostgreSQL database."""
    with _database() as database, _explained():
        migrations.revise(database, message)


def _is_postgresql(database: Database) -> bool:
    return database.url.get_backend_name() == "postgresql"


@contextmanager
def _database() -> Iterator[Database]:
    database = create_database(load())
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """Report what Alembic refuses to do with a database that differs from the migrations."""
    try:
        yield
    except CommandError as error:
        raise click.ClickException(f"{error} Run: hubs db upgrade") from None


def _known(database: Database) -> str:
    """Return the schema of the database.

    :raises click.ClickException: when a newer version of Hubs created it.
    """
    schema = migrations.current(database)
    if schema and schema not in migrations.known():
        raise click.ClickException(
            f"The database has the schema {schema} of a newer version, which Hubs {__version__} does not know. This "
            "version may run on it, but cannot migrate it."
        )
    return schema


def _change(before: str, after: str) -> str:
    return (
        f"The schema is {after}, as before." if before == after else f"The schema is {after} (was {before or 'empty'})."
    )
