"""What waited while the process stood still is not sent: access may have ended meanwhile."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from hubs.backend.eventserver import subscriber
from hubs.backend.eventserver.subscriber import RedisSubscriber
from hubs.events import heartbeat
from hubs.events.log import EventLog
from tests import services


class Recorder:
    """Records what reaches readers; stands still for ``pause`` seconds at a heartbeat."""

    def __init__(self, pause: float) -> None:
        self.pause, self.calls = pause, SimpleQueue[str]()

    def broadcast(self, channel: str, number: int, payload: bytes) -> None:
        self.calls.put(channel)

    def end(self, scope: str, moment: float) -> None:
        self.calls.put(f"end {scope}")

    def end_all(self) -> None:
        self.calls.put("end all")

    def heartbeat(self, beat: heartbeat.Beat) -> None:
        self.calls.put("beat")
        time.sleep(self.pause)

    def call(self, act: Callable[[], None]) -> None:
        raise NotImplementedError


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventLog]:
    """Give a log on a Redis of its own; half a second more than a turn is too long."""
    monkeypatch.setattr(subscriber, "TURN", 0.2)
    monkeypatch.setattr(subscriber, "STALLED", 0.5)
    with services.redis_server(tmp_path) as (_, port):
        log = EventLog(f"redis://{services.HOST}:{port}/0")
        yield log
        log.client.close()


@pytest.mark.parametrize(
    ("pause", "expected"), [(0.0, ["beat", "hub:1", "hub:2"]), (1.5, ["beat", "end all", "hub:2"])]
)
def test_events_that_waited_while_the_process_stood_still_are_not_sent(
    log: EventLog, pause: float, expected: list[str]
) -> None:
    recorder = Recorder(pause)
    running = RedisSubscriber(log, recorder)
    running.start()
    try:
        assert running.up.wait(10)
        heartbeat.publish(log.client, "daemon", None)
        log.publish("hub:1", "widget", {"n": 1})
        calls = [recorder.calls.get(timeout=10)]
        if pause:
            calls.append(recorder.calls.get(timeout=10))
        assert running.up.wait(10)
        log.publish("hub:2", "widget", {"n": 2})
        while calls[-1] != "hub:2":
            calls.append(recorder.calls.get(timeout=10))
        assert calls == expected
    finally:
        running.stop()
        time.sleep(0.5)  # the thread has noticed
