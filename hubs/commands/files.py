"""Hubs as files: ``hubs export`` and ``hubs apply``."""

import sys
from pathlib import Path
from typing import TextIO

import click

from hubs.actions.layout import apply as apply_action
from hubs.actions.layout import documents, yaml_files
from hubs.commands.base import instance
from hubs.errors import InvalidInput
from hubs.permissions import OPERATOR


@click.command()
@click.argument("hub")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def export(hub: str, output: Path | None) -> None:
    """Write a hub as a YAML file: its record, people, widgets and their settings; no secrets.

    HUB is docs for the team docs, or u/somebody for a person's hub.
    """
    with instance() as here:
        text = yaml_files.write(documents.describe(here.hub(hub), here.registry, people=True))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{hub} is in {output}.")


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def apply(file: TextIO, dry_run: bool) -> None:
    """Apply FILE to its hub, creating the hub if needed. FILE may be - for standard input.

    Fields that are missing in the file get their defaults, and widgets that are missing are removed. Owners and
    members stay as they are unless the file lists them. With an entry managed_in, which says where the file is kept,
    the hub's page becomes read-only.
    """
    text = file.read(yaml_files.LIMIT + 1)
    document = yaml_files.parse(text, file.name)
    with instance() as here:
        hub = apply_action.find_or_create(here.session, here.registry, document)
        try:
            changes = apply_action.apply(here.session, here.registry, OPERATOR, hub, document)
        except InvalidInput as error:
            raise yaml_files.explained(error, text) from None
        for change in changes:
            click.echo(str(change))
        if dry_run:
            here.session.rollback()
            click.echo(f"{len(changes)} changes would be made; nothing was changed.", err=True)
        else:
            here.session.commit()
            click.echo(f"{len(changes)} changes were made.", err=True)
    sys.stdout.flush()
