"""The commands ``hubs backup`` and ``hubs restore``."""

from pathlib import Path

import click

from hubs.maintenance import backup as backups
from hubs.services import create_database
from hubs.settings import load

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--recipient", "recipients", multiple=True, help="Public key of age or SSH to encrypt to; may be repeated."
)
def backup(folder: Path, recipients: tuple[str, ...]) -> None:
    """Back up the database with uploaded pictures, the keys and the settings into the new folder FOLDER.

    The instance keeps running. The folder holds every secret of the instance: only this user may read it.
    """
    settings = load()
    database = create_database(settings)
    try:
        summary = backups.create(settings, database, folder, recipients)
    finally:
        database.dispose()
    click.echo(f"Backed up Hubs {summary.hubs} with the schema {summary.schema} into {folder}.")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--identity", type=click.Path(dir_okay=False, path_type=Path), help="File with the private key of age or SSH."
)
@click.option(
    "--settings",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only write the settings and keys of the backup to this file, for HUBS_CONFIG.",
)
def restore(folder: Path, identity: Path | None, target: Path | None) -> None:
    """Restore the backup in FOLDER into the empty database that the settings name, and migrate it.

    Nothing is overwritten: a database with tables, a damaged backup or one of a newer version is refused.
    """
    if target is not None:
        backups.extract_settings(folder, target, identity)
        click.echo(f"Wrote the settings to {target}. Compare their addresses with this machine: HUBS_CONFIG={target}")
        return
    settings = load()
    database = create_database(settings)
    try:
        summary = backups.restore(settings, database, folder, identity)
    finally:
        database.dispose()
    click.echo(f"Restored the backup of {summary.made_at} (Hubs {summary.hubs}, schema {summary.schema}).")
