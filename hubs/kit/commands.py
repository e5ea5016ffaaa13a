"""The ``hubs widget`` commands."""

import signal
import sys
import tempfile
from pathlib import Path

import click

from hubs.kit import new as begin
from hubs.kit.dev import Workbench
from hubs.settings import load
from hubs.widgets import parameters
from hubs.widgets.registry import BUILT_IN, Registry


@click.group()
def widget() -> None:
    """Widgets: list what is installed, begin one of your own, work on it while it runs."""


@widget.command(name="list")
def listing() -> None:
    """List the widgets of this instance; those that cannot be used are named with the reason, and fail the command."""
    registry = Registry(load().widgets)
    for found in registry:
        origin = "built in" if found.origin in BUILT_IN else found.origin
        click.echo(f"{found.name}\t{found.label}\t{origin}")
    for origin, reason in registry.broken.items():
        click.echo(f"cannot be used: {origin}: {reason}", err=True)
    if registry.broken:
        raise click.exceptions.Exit(1)


@widget.command()
@click.argument("name", required=False)
def docs(name: str | None) -> None:
    """Print the documentation of all widgets, or of NAME, as Markdown: made from their declarations."""
    chosen = [found for found in Registry(load().widgets) if name in (None, found.name)]
    if not chosen:
        raise click.ClickException(f"There is no widget {name} here. `hubs widget list` lists all.")
    for found in chosen:
        click.echo(f"## {found.name}\n\n{found.label}: {found.cls.summary}\n\n{parameters.document(found.parameters)}")


@widget.command()
@click.argument("name")
@click.option("--path", default=".", show_default=True, type=click.Path(path_type=Path), help="Folder to put it into.")
def new(name: str, path: Path) -> None:
    """Begin a widget: write the package hubs-NAME with code, template, tests, entry point and readme."""
    made = begin.make(name, path)
    click.echo(f"{made} is ready.\n\nSee it while you work on it:\n    hubs widget dev {made}\nTest it:")
    click.echo(f"    cd {made} && pytest")


@widget.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--port", default=8100, show_default=True, help="Port of the pages on 127.0.0.1.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where data is kept; else it is gone when the command ends."
)
@click.option("--pause", default=2.0, show_default=True, help="Seconds between two replayed messages, on average.")
def dev(path: Path, port: int, data_dir: Path | None, pause: float) -> None:
    """Work on the widget in PATH while it runs, in one process, with nothing installed.

    What you save is on the open page within a second; what fails is shown in the widget with its traceback.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        try:
            Workbench(path, data_dir or Path(folder), port, pause).run()
        except KeyboardInterrupt:
            click.echo("Stopped.")
