"""Hubs as files: ``hubs export`` and ``hubs apply``."""

import sys
from pathlib import Path
from typing import Any, TextIO

import click
import yaml

from hubs.actions import applying, documents
from hubs.commands.base import instance
from hubs.errors import InvalidInput
from hubs.permissions import OPERATOR

#: Largest file, in characters.
LIMIT = 1_000_000


class _Dumper(yaml.SafeDumper):
    """Writes long texts as blocks, which people can read and diff."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def write(document: documents.HubDocument) -> str:
    """Return a document as YAML."""
    return yaml.dump(document.plain(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def parse(text: str, name: str) -> documents.HubDocument:
    """Return the document in a YAML text.

    :raises InvalidInput: saying where in the file ``name`` the mistake is.
    """
    if len(text) > LIMIT:
        raise InvalidInput(f"{name} is larger than {LIMIT} characters.")
    try:
        # Aliases could make a small file unfold to an enormous one, and a hub has no use for them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InvalidInput(f"{name} uses YAML aliases (*name), which are not supported: write the value out.")
        data: Any = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{name} is not valid YAML: {error}") from None
    return documents.read(data)


@click.command()
@click.argument("hub")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def export(hub: str, output: Path | None) -> None:
    """Write a hub as a YAML file: its record, people, widgets and their settings; no secrets.

    HUB is docs for the team docs, or u/somebody for a person's hub.
    """
    with instance() as here:
        text = write(documents.describe(here.hub(hub), here.registry, people=True))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{hub} is in {output}.")


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def apply(file: TextIO, dry_run: bool) -> None:
    """Make a hub be what FILE says; a hub that is not there is made. FILE may be - for standard input.

    What the file does not mention gets its default; widgets that it does not mention are removed; owners and members
    stay as they are unless it lists them. With an entry managed_in, which tells where the file is kept, the hub's page
    becomes read-only.
    """
    wanted = parse(file.read(LIMIT + 1), file.name)
    with instance() as here:
        hub = applying.found(here.session, here.registry, wanted)
        done = applying.apply(here.session, here.registry, OPERATOR, hub, wanted)
        for change in done:
            click.echo(str(change))
        if dry_run:
            here.session.rollback()
            click.echo(f"{len(done)} changes would be made; nothing was changed.", err=True)
        else:
            here.session.commit()
            click.echo(f"{len(done)} changes were made.", err=True)
    sys.stdout.flush()
