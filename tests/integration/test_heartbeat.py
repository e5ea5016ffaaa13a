"""The heartbeat on its way from the daemon to a browser, on a real Redis."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from hubs.backend.eventserver import subscriber as subscribing
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.subscriber import RedisSubscriber
from hubs.backend.heartbeat import HeartbeatPublisher
from hubs.events import heartbeat
from hubs.events.log import EventLog
from hubs.models import now
from tests.services import HOST, wait_for


class Valve:
    """A TCP proxy that swallows all data while ``shut``: both ends think that the other one is there."""

    def __init__(self, port: int) -> None:
        self._target, self.shut = port, False
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((HOST, self._target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                if not self.shut:
                    sink.sendall(data)


@pytest.fixture
def valve(redis_port: int) -> Iterator[Valve]:
    proxy = Valve(redis_port)
    yield proxy
    proxy.close()


@pytest.fixture
def served(valve: Valve) -> Iterator[tuple[SSEBroadcaster, RedisSubscriber]]:
    broadcaster = SSEBroadcaster()
    reader = RedisSubscriber(EventLog(f"redis://{HOST}:{valve.port}/0"), broadcaster)
    broadcaster.start()
    reader.start()
    yield broadcaster, reader
    reader.stop()
    broadcaster.drain()


def test_a_half_open_connection_to_redis_is_given_up(
    valve: Valve, served: tuple[SSEBroadcaster, RedisSubscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "SILENCE", 0.5)
    monkeypatch.setattr(subscribing, "DEAD", 2.5)
    _, reader = served
    assert reader.up.wait(5)
    time.sleep(4)
    assert reader.up.is_set(), "a silent Redis that replies to pings was given up"
    valve.shut = True
    wait_for(lambda: not reader.up.is_set(), "the connection to be given up", 6)
    valve.shut = False
    assert reader.up.wait(10)
    assert reader._events.revocations._is_in_doubt, "revocations may have been made meanwhile"


def test_a_heartbeat_that_ends_a_gap_reaches_readers_at_once(
    redis_port: int, served: tuple[SSEBroadcaster, RedisSubscriber]
) -> None:
    broadcaster, reader = served
    assert reader.up.wait(5)
    broadcaster.pulse._started -= 60
    server, browser = socket.socketpair()
    browser.settimeout(5)
    client = SSEClient(server.detach(), ["a"], time.monotonic() + 60)
    broadcaster.add(client)
    broadcaster.release(client, broadcaster.pulse.comment(), 0)
    assert browser.recv(100).startswith(b": hb 6")
    handled = now()
    log = EventLog(f"redis://{HOST}:{redis_port}/0")
    heartbeat.publish(log.client, "daemon", handled)
    with browser:
        age, moment = browser.recv(100).split()[2:4]
    assert float(age) < 1
    assert float(moment) == pytest.approx(handled.timestamp(), abs=0.01)
    log.client.close()


def test_nothing_is_published_while_the_pipeline_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.05)
    waiting, published = [], []
    pipeline = SimpleNamespace(put=lambda act: waiting.append(act) or True, handled_at=None)
    monkeypatch.setattr(heartbeat, "publish", lambda *arguments, is_last, cut_off: published.append(is_last))
    monkeypatch.setattr(heartbeat, "ages", lambda client: {})
    publisher = HeartbeatPublisher(pipeline, lambda: None)  # type: ignore[arg-type, return-value]
    publisher.start()
    wait_for(lambda: waiting, "a marker in the pipeline")
    time.sleep(0.7)
    assert published == []
    waiting[0]()
    wait_for(lambda: published == [False], "the heartbeat")
    publisher.stop()
    assert published[-1] is True
