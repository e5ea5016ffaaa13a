"""Lost connections to the bus are noticed when they are back."""

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
import zmq

from hubs.backend.bus_connections import ConnectionMonitor
from hubs.models import now
from tests.services import free_port, wait_for


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def test_a_connection_that_was_lost_and_is_back_is_reported_once(
    context: "zmq.Context[zmq.Socket[bytes]]", caplog: pytest.LogCaptureFixture
) -> None:
    address, gaps = f"tcp://127.0.0.1:{free_port()}", list[tuple[str, datetime]]()
    subscription, publisher = context.socket(zmq.SUB), context.socket(zmq.PUB)
    monitor = ConnectionMonitor(lambda reason, since: gaps.append((reason, since)))
    monitor.start([subscription])
    publisher.bind(address)
    subscription.connect(address)
    subscription.subscribe("")
    _hears(subscription, publisher)
    assert gaps == []  # the first connection ends no gap
    start = now()
    publisher.close(linger=0)
    wait_for(lambda: f"the connection to {address} on the bus is lost" in caplog.text, "the loss")
    assert gaps == []
    publisher = context.socket(zmq.PUB)
    publisher.bind(address)
    wait_for(lambda: gaps, "the reconnect")
    _hears(subscription, publisher)
    ((reason, since),) = gaps
    assert reason.startswith(f"no connection to {address} for ")
    assert start <= since <= now()
    for socket in (subscription, publisher):
        socket.close(linger=0)
    monitor.stop()
    wait_for(lambda: "bus-connections" not in {thread.name for thread in threading.enumerate()}, "the end")


def test_without_a_connection_there_is_nothing_to_do() -> None:
    monitor = ConnectionMonitor(lambda reason, since: None)
    monitor.start([])
    assert "bus-connections" not in {thread.name for thread in threading.enumerate()}
    monitor.stop()


def _hears(subscription: "zmq.Socket[bytes]", publisher: "zmq.Socket[bytes]") -> None:
    """Send until the subscription hears it."""

    def heard() -> bool:
        publisher.send(b"x")
        return bool(subscription.poll(20))

    wait_for(heard, "a message")
    while subscription.poll(0):
        subscription.recv()
