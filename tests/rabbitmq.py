"""A real RabbitMQ on loopback, and a publisher whose messages look as fedora-messaging 3.9 sends them."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
from fedora_messaging.message import Message as FedoraMessage

from tests.services import HOST, Service, base_env, free_port, listens

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"


@contextlib.contextmanager
def rabbitmq() -> Iterator[tuple[Service, str]]:
    """Run a RabbitMQ with data of its own; give it and its address. A restart keeps durable queues."""
    folder = Path(tempfile.mkdtemp(prefix="hubs-rabbit-"))
    port, distribution, epmd = free_port(), free_port(), free_port()
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{port}\n")
    (folder / "enabled_plugins").write_text("[].")
    env = {
        **base_env(),
        "HOME": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_NODENAME": f"hubs{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
    }
    service = Service([PROGRAM], folder, "rabbitmq", env)
    try:
        yield service.ready(lambda: listens(port)), f"amqp://guest:guest@{HOST}:{port}/%2F"
    finally:
        _end_group(service)
        _end_epmd(epmd)
        shutil.rmtree(folder, ignore_errors=True)


def restart(service: Service, url: str) -> None:
    """Kill the broker and start it again on the same data."""
    _end_group(service)
    service.restart()
    service.ready(lambda: listens(port_of(url)))


def port_of(url: str) -> int:
    """Return the port in a broker's address."""
    return urlsplit(url).port or 5672


def _end_group(service: Service) -> None:
    """End the shell that started the broker and the broker itself: they share a process group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait(10)


def _end_epmd(port: int) -> None:
    """End the port mapper that the broker started for itself on ``port``."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.joinpath("comm").read_text().strip() != "epmd":
                continue
            if f"ERL_EPMD_PORT={port}\0" in entry.joinpath("environ").read_text():
                os.kill(int(entry.name), signal.SIGKILL)


class Publisher:
    """Publishes to ``amq.topic`` with confirmation."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()

    def send(self, topic: str, body: dict[str, Any], msg_id: str = "", **headers: Any) -> str:
        """Publish a message of the base class; return its id."""
        message = FedoraMessage(body=body, topic=topic, headers=headers)
        message.id = msg_id or message.id
        self._channel.basic_publish("amq.topic", topic, message._encoded_body, message._properties)
        return message.id

    def raw(self, topic: str, body: bytes, **properties: Any) -> None:
        """Publish bytes as they are."""
        self._channel.basic_publish("amq.topic", topic, body, pika.BasicProperties(**properties))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
