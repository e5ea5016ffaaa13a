"""The command ``hubs settings``."""

import click

from hubs.settings import PREFIX, Settings, load
from hubs.widgets.registry import Registry


@click.command()
def settings() -> None:
    """List all settings with their defaults, and check the current ones."""
    for name, field in Settings.model_fields.items():
        click.echo(f"{PREFIX}{name.upper()} (default: {field.get_default()!s})\n    {field.description}")
    current = load()
    click.echo("\nThe current settings are valid.")
    for origin, reason in Registry(current.widgets, layouts=current.layouts).broken.items():
        click.echo(f"But the widget {origin} cannot be used: {reason}")
