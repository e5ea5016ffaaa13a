"""The command ``hubs static``."""

from pathlib import Path

import click

import hubs
from hubs import urls
from hubs.views.web import static_files


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def static(folder: Path) -> None:
    """Write the static files into FOLDER, with compressed forms beside them, for a web server to serve.

    The last line names the address under which pages refer to them, which changes with their content.
    """
    source = Path(hubs.__file__).parent / "static"
    count = static_files.write(source, folder)
    click.echo(f"{count} files written to {folder}; serve them at {urls.static('')}")
