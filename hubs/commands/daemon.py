"""The command ``hubs daemon``."""

import click

from hubs.backend.standalone import run
from hubs.settings import load


@click.command()
def daemon() -> None:
    """Run the daemon without fedmsg-hub, with messages from AMQP and webhooks only."""
    run(load())
