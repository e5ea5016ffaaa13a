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

from hubs.demo.rabbitmq import environment, program, stop_port_mapper
from hubs.demo.rabbitmq import url as address
from tests.services import Service, free_port, listens, wait_for


@contextlib.contextmanager
def rabbitmq() -> Iterator[tuple[Service, str]]:
    """Run a RabbitMQ with data of its own; give it and its address. A restart keeps durable queues."""
    folder = Path(tempfile.mkdtemp(prefix="hubs-rabbit-"))
    port, distribution, epmd = free_port(), free_port(), free_port()
    service = Service([program()], folder, "rabbitmq", environment(folder, port, distribution, epmd))
    try:
        yield service.ready(lambda: listens(port)), address(port)
    finally:
        _end_group(service)
        stop_port_mapper(epmd)
        wait_for(lambda: not listens(epmd), "the end of Erlang's port mapper", 5)
        shutil.rmtree(folder, ignore_errors=True)


def restart(service: Service, url: str) -> None:
    """Kill the broker and start it again on the same data."""
    with stopped_broker(service, url):
        pass


@contextlib.contextmanager
def stopped_broker(service: Service, url: str) -> Iterator[None]:
    """Have the broker stopped meanwhile; it has started again afterwards, on the same data."""
    _end_group(service)
    try:
        yield
    finally:
        service.restart()
        service.ready(lambda: listens(port_of(url)))


@contextlib.contextmanager
def frozen_broker(service: Service, url: str) -> Iterator[None]:
    """Have the broker stand still meanwhile, with all its connections open."""
    os.killpg(service.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(service.process.pid, signal.SIGCONT)
        service.ready(lambda: listens(port_of(url)))


def port_of(url: str) -> int:
    """Return the port in a broker's address."""
    return urlsplit(url).port or 5672


def _end_group(service: Service) -> None:
    """End the shell that started the broker and the broker itself: they share a process group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait(10)


class Publisher:
    """Publishes to ``amq.topic`` with confirmation."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self._channel.confirm_delivery()

    def send(self, topic: str, body: dict[str, Any], msg_id: str = "", **headers: Any) -> str:
        """Publish a message of the base class; return its id."""
        # Importing it takes a second, for a grammar of addresses, which other tests need not wait for.
        from fedora_messaging.message import Message as FedoraMessage  # noqa: PLC0415

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
