"""The commands of ``hubs demo`` that need our models; `hubs.cli` has the group."""

import sys

import click

from hubs.bus import NullPublisher, Publisher
from hubs.demo import fill as demo_fill
from hubs.demo import rabbitmq as broker
from hubs.demo import replay as demo_replay
from hubs.demo import upstream as demo_upstream
from hubs.demo.supervisor import AMQP, BUSES, FEDMSG
from hubs.models import migrations
from hubs.services import create_database, create_services
from hubs.settings import load


@click.command()
def fill() -> None:
    """Fill an empty database with demo people, teams and a year of messages."""
    settings = load()
    services = create_services(settings, publisher=NullPublisher())
    migrations.upgrade(services.database)
    if demo_fill.fill(services.database, services.registry, settings):
        click.echo("Loaded the demo data.")
    else:
        click.echo("The database already has people; nothing was changed.")


@click.command()
@click.option("--pause", default=1.5, show_default=True, help="Seconds between two messages, on average.")
@click.option("--count", default=0, help="Messages to send; 0 means until stopped.")
@click.option("--bus", type=click.Choice(BUSES), default=FEDMSG, show_default=True, help="The message bus.")
def replay(pause: float, count: int, bus: str) -> None:
    """Publish demo messages on the bus: through fedmsg's relay, or to the broker of HUBS_AMQP_URL."""
    settings = load()
    publisher = demo_replay.create_publisher(settings) if bus == AMQP else Publisher()
    demo_replay.run(create_database(settings), publisher, pause, count, settings.demo_messages)


@click.command()
@click.option("--port", default=5672, show_default=True, help="Port of AMQP on 127.0.0.1.")
@click.option("--distribution-port", default=25672, show_default=True, help="Port of Erlang's network.")
@click.option("--epmd-port", default=4369, show_default=True, help="Port of Erlang's port mapper.")
def rabbitmq(port: int, distribution_port: int, epmd_port: int) -> None:
    """Run a RabbitMQ broker with its data in the data folder, without privileges."""
    sys.exit(broker.serve(load().data_dir / "rabbitmq", port, distribution_port, epmd_port))


@click.command()
@click.option("--port", default=8005, show_default=True, help="Port on 127.0.0.1.")
def upstream(port: int) -> None:
    """Run stand-ins for upstream services, such as Bodhi and Fedora Badges, with fictional data."""
    demo_upstream.serve(port)
