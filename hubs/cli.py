"""The ``hubs`` command: sets up, runs and administers an instance.

A command is imported when it is called: all of them together take two seconds, most of them alone much less, and
`hubs up` starts several.
"""

import logging
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import click

from hubs import __version__, logs
from hubs.errors import HubsError

Importer = Callable[[], ModuleType]


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called or listed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._importers: dict[str, Importer] = {}

    def imports(self, *names: str) -> Callable[[Importer], Importer]:
        """Register a function that imports the module which has the commands of these names."""

        def register(importer: Importer) -> Importer:
            self._importers |= dict.fromkeys(names, importer)
            return importer

        return register

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted([*super().list_commands(ctx), *self._importers])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command by its name; return None if there is none."""
        if cmd_name in self._importers:
            command: click.Command = getattr(self._importers[cmd_name](), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="hubs")
def cli() -> None:
    """Fedora Hubs: a portal of live widgets for a contributor community."""
    if not logging.getLogger().handlers:  # a program that calls this one has logging of its own
        logs.configure(os.environ.get("HUBS_LOG", logs.TEXT))


demo = LazyGroup("demo", help="Load demo people, teams and messages.")
cli.add_command(demo)


@cli.imports("up")
def _supervisor() -> ModuleType:
    from hubs.demo import supervisor

    return supervisor


@demo.imports("fill", "replay", "rabbitmq", "upstream")
def _demo_commands() -> ModuleType:
    from hubs.demo import commands

    return commands


@demo.imports("redis")
def _embedded_redis() -> ModuleType:
    from hubs.demo import embedded_redis

    return embedded_redis


@cli.imports("daemon")
def _daemon() -> ModuleType:
    from hubs.commands import daemon

    return daemon


@cli.imports("settings")
def _settings() -> ModuleType:
    from hubs.commands import settings

    return settings


@cli.imports("init")
def _init() -> ModuleType:
    from hubs.commands import init

    return init


@cli.imports("export", "apply")
def _files() -> ModuleType:
    from hubs.commands import files

    return files


@cli.imports("team", "user", "audit")
def _people() -> ModuleType:
    from hubs.commands import people

    return people


@cli.imports("cache")
def _cache() -> ModuleType:
    from hubs.commands import cache

    return cache


@cli.imports("messages")
def _messages() -> ModuleType:
    from hubs.commands import messages

    return messages


@cli.imports("static")
def _static() -> ModuleType:
    from hubs.commands import static

    return static


@cli.imports("secrets")
def _secrets() -> ModuleType:
    from hubs.commands import secrets

    return secrets


@cli.imports("db")
def _schema() -> ModuleType:
    from hubs.commands import schema

    return schema


@cli.imports("backup", "restore")
def _backups() -> ModuleType:
    from hubs.commands import backups

    return backups


@cli.imports("deploy")
def _deploy() -> ModuleType:
    from hubs.commands import deploy

    return deploy


@cli.imports("doctor")
def _doctor() -> ModuleType:
    from hubs.commands import doctor

    return doctor


@cli.imports("widget")
def _widget() -> ModuleType:
    from hubs.kit import commands

    return commands


def main() -> None:
    """Run the command; expected errors are printed as one sentence instead of a traceback."""
    try:
        cli()
    except HubsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
