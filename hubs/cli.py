"""The ``hubs`` command: sets up, runs and administers an instance."""

import logging
import os
import sys
from pathlib import Path

import click

from hubs import __version__, logs
from hubs.backend.standalone import run as run_daemon
from hubs.bus import NullPublisher, Publisher
from hubs.commands import backups, cache, deploy, doctor, files, init, messages, people, schema, secrets
from hubs.commands.static import static
from hubs.demo import fill as demo_fill
from hubs.demo import rabbitmq
from hubs.demo import replay as demo_replay
from hubs.demo import upstream as demo_upstream
from hubs.demo.supervisor import AMQP, FEDMSG, Ports, PortTaken, run
from hubs.errors import HubsError
from hubs.kit.commands import widget
from hubs.models import migrations
from hubs.services import create_database, create_services
from hubs.settings import PREFIX, Settings, load, presets
from hubs.widgets.registry import Registry

BUSES = (FEDMSG, AMQP)


@click.group()
@click.version_option(__version__, prog_name="hubs")
def cli() -> None:
    """Fedora Hubs: a portal of live widgets for a contributor community."""
    if not logging.getLogger().handlers:  # a program that calls this one has logging of its own
        logs.configure(os.environ.get("HUBS_LOG", logs.TEXT))


@cli.command()
@click.option("--port", default=8000, show_default=True, help="Port of the pages; the next six are used as well.")
@click.option(
    "--data-dir", default="var", show_default=True, type=click.Path(path_type=Path), help="Folder for the data."
)
@click.option("--replay/--no-replay", default=True, show_default=True, help="Publish demo messages on the bus.")
@click.option("--pause", default=1.5, show_default=True, help="Seconds between two demo messages, on average.")
@click.option("--bus", type=click.Choice(BUSES), default=FEDMSG, show_default=True, help="The message bus.")
@click.option(
    "--config",
    envvar="HUBS_CONFIG",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    help="File with settings; hubs.toml in the working directory if it exists.",
)
@click.option(
    "--preset",
    envvar="HUBS_PRESET",
    type=click.Choice(presets.PRESETS),
    help=f"Kind of community, whose values the settings have unless the file sets them; {presets.DEMO} without a file.",
)
def up(
    port: int, data_dir: Path, replay: bool, pause: float, bus: str, config: Path | None, preset: str | None
) -> None:
    """Run a whole instance on this machine; no other services need to be installed.

    Prepares a SQLite database, fills it with demo people and teams the first time, and starts web, eventsource,
    fedmsg-relay, fedmsg-hub, an embedded Redis, stand-ins for Bodhi and other services, and a replay of bus messages,
    each as a separate process. Log lines begin with the name of the process. Ctrl-C stops them all; the data is kept
    for the next time.

    With --bus amqp, a RabbitMQ (which must be installed) and `hubs daemon` take the place of fedmsg-relay and
    fedmsg-hub.

    All ports are on 127.0.0.1: PORT for the pages, PORT+1 for the event stream, PORT+2 for Redis, PORT+3 and PORT+4 for
    the bus, PORT+5 for the stand-ins, PORT+6 for the bus again.
    """
    config = config or init.find()
    # Of all processes, whatever their working directories are.
    if config is not None:
        os.environ["HUBS_CONFIG"] = str(config)
    elif preset is None:
        preset = presets.DEMO
    if preset is not None:
        os.environ["HUBS_PRESET"] = preset
    try:
        run(Ports.from_first(port), data_dir, replay=replay, pause=pause, bus=bus)
    except (PortTaken, rabbitmq.NoRabbitMQ) as error:
        raise click.ClickException(str(error)) from None


@cli.command()
def daemon() -> None:
    """Run the daemon without fedmsg-hub, with messages from AMQP and webhooks only."""
    run_daemon(load())


@cli.group()
def demo() -> None:
    """Load demo people, teams and messages."""


@demo.command()
def fill() -> None:
    """Fill an empty database with demo people, teams and a year of messages."""
    settings = load()
    services = create_services(settings, publisher=NullPublisher())
    migrations.upgrade(services.database)
    if demo_fill.fill(services.database, services.registry, settings):
        click.echo("Loaded the demo data.")
    else:
        click.echo("The database already has people; nothing was changed.")


@demo.command()
@click.option("--pause", default=1.5, show_default=True, help="Seconds between two messages, on average.")
@click.option("--count", default=0, help="Messages to send; 0 means until stopped.")
@click.option("--bus", type=click.Choice(BUSES), default=FEDMSG, show_default=True, help="The message bus.")
def replay(pause: float, count: int, bus: str) -> None:
    """Publish demo messages on the bus: through fedmsg's relay, or to the broker of HUBS_AMQP_URL."""
    settings = load()
    publisher = demo_replay.create_publisher(settings) if bus == AMQP else Publisher()
    demo_replay.run(create_database(settings), publisher, pause, count, settings.demo_messages)


@demo.command("rabbitmq")
@click.option("--port", default=5672, show_default=True, help="Port of AMQP on 127.0.0.1.")
@click.option("--distribution-port", default=25672, show_default=True, help="Port of Erlang's network.")
@click.option("--epmd-port", default=4369, show_default=True, help="Port of Erlang's port mapper.")
def broker(port: int, distribution_port: int, epmd_port: int) -> None:
    """Run a RabbitMQ broker with its data in the data folder, without privileges."""
    sys.exit(rabbitmq.serve(load().data_dir / "rabbitmq", port, distribution_port, epmd_port))


@demo.command()
@click.option("--port", default=6379, show_default=True, help="Port on 127.0.0.1.")
def redis(port: int) -> None:
    """Run the embedded server for the Redis protocol; its data is lost when it stops."""
    demo_replay.serve_redis(port)


@demo.command()
@click.option("--port", default=8005, show_default=True, help="Port on 127.0.0.1.")
def upstream(port: int) -> None:
    """Run stand-ins for upstream services, such as Bodhi and Fedora Badges, with fictional data."""
    demo_upstream.serve(port)


@cli.command()
def settings() -> None:
    """List all settings with their defaults, and check the current ones."""
    for name, field in Settings.model_fields.items():
        click.echo(f"{PREFIX}{name.upper()} (default: {field.get_default()!s})\n    {field.description}")
    settings = load()
    click.echo("\nThe current settings are valid.")
    for origin, reason in Registry(settings.widgets, layouts=settings.layouts).broken.items():
        click.echo(f"But the widget {origin} cannot be used: {reason}")


for command in (
    init.init,
    files.export,
    files.apply,
    people.team,
    people.user,
    people.audit,
    cache.cache,
    messages.messages,
    static,
    secrets.secrets,
    schema.db,
    backups.backup,
    backups.restore,
    deploy.deploy,
    doctor.doctor,
    widget,
):
    cli.add_command(command)


def main() -> None:
    """Run the command; expected errors are printed as one sentence instead of a traceback."""
    try:
        cli()
    except HubsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
