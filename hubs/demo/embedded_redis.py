"""The command ``hubs demo redis``: an embedded server for the Redis protocol."""

import logging
import threading

import click
from fakeredis import TcpFakeServer

from hubs.demo.signals import stopped_event

log = logging.getLogger(__name__)


@click.command()
@click.option("--port", default=6379, show_default=True, help="Port on 127.0.0.1.")
def redis(port: int) -> None:
    """Run the embedded server for the Redis protocol; its data is lost when it stops."""
    stopped = stopped_event()
    TcpFakeServer.allow_reuse_address = True
    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    threading.Thread(target=server.serve_forever, name="redis", daemon=True).start()
    log.info("embedded Redis on 127.0.0.1:%d", port)
    stopped.wait()
    server.shutdown()
