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
    """List installed widgets, create your own, and develop it with live reload."""


@widget.command(name="list")
def listing() -> None:
    """List the widgets of this instance. Unusable ones are listed with the reason, and the command fails."""
    registry = Registry(load().widgets)
    for widget_type in registry:
        origin = "built in" if widget_type.origin in BUILT_IN else widget_type.origin
        click.echo(f"{widget_type.name}\t{widget_type.label}\t{origin}")
    for origin, reason in registry.broken.items():
        click.echo(f"cannot be used: {origin}: {reason}", err=True)
    if registry.broken:
        raise click.exceptions.Exit(1)


@widget.command()
@click.argument("name", required=False)
def docs(name: str | None) -> None:
    """Print the documentation of all widgets, or of NAME, as Markdown, generated from their declarations."""
    chosen = [widget_type for widget_type in Registry(load().widgets) if name in (None, widget_type.name)]
    if not chosen:
        raise click.ClickException(f"There is no widget {name} here. `hubs widget list` lists all.")
    for widget_type in chosen:
        settings = parameters.document(widget_type.parameters)
        click.echo(f"## {widget_type.name}\n\n{widget_type.label}: {widget_type.cls.summary}\n\n{settings}")


@widget.command()
@click.argument("name")
@click.option("--path", default=".", show_default=True, type=click.Path(path_type=Path), help="Parent folder.")
def new(name: str, path: Path) -> None:
    """Create a widget: write the package hubs-NAME with code, template, tests, entry point and readme."""
    folder = begin.make(name, path)
    click.echo(f"{folder} is ready.\n\nSee it live while you work on it:\n    hubs widget dev {folder}")
    click.echo(f"Test it (needs pytest; else: pip install pytest):\n    cd {folder} && pytest")


@widget.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--port", default=8100, show_default=True, help="Port of the pages on 127.0.0.1.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder for the data. Default: a temporary folder.")
@click.option("--pause", default=2.0, show_default=True, help="Seconds between two replayed messages, on average.")
def dev(path: Path, port: int, data_dir: Path | None, pause: float) -> None:
    """Run the widget in PATH with live reload, in one process, without installing it.

    Saved changes are on the open page within a second; errors are shown in the widget with their traceback.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        try:
            Workbench(path, data_dir or Path(folder), port, pause).run()
        except KeyboardInterrupt:
            click.echo("Stopped.")
