"""The plugin in fedmsg-hub: one buffer between bus and database, and what it drops."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fedmsg.consumers import FedmsgConsumer
from moksha.hub.api.consumer import Consumer

from hubs.backend import consumer as consumers
from hubs.backend.consumer import FedoraHubsConsumer
from hubs.bus import Message


class FakeDaemon:
    """Takes messages until it is full."""

    def __init__(self, settings: object, bus: object) -> None:
        self.taken: list[Message] = []
        self.pipeline, self.room, self.shed = self.taken, 2, 0
        self.figures = SimpleNamespace()

    @property
    def is_full(self) -> bool:
        return len(self.taken) >= self.room

    def put(self, message: Message) -> None:
        self.taken.append(message)

    def note_shed(self) -> None:
        self.shed += 1

    def note_gap(self, reason: str, since: datetime) -> None:
        raise AssertionError("there is no bus")


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> FedoraHubsConsumer:
    """Return the plugin as moksha assembles it, without fedmsg's configuration and without its reactor."""

    def init(self: Any, hub: Any) -> None:
        Consumer.__init__(self, hub)
        self.validate_signatures = False

    monkeypatch.setattr(FedmsgConsumer, "__init__", init)
    monkeypatch.setattr(consumers, "Daemon", FakeDaemon)
    monkeypatch.setattr(consumers, "reactor", SimpleNamespace(callWhenRunning=lambda call: None))
    threads: list[Any] = []
    monkeypatch.setattr("moksha.hub.reactor.reactor", SimpleNamespace(callInThread=threads.append))
    plugin = FedoraHubsConsumer(SimpleNamespace(config={}, subscribe=lambda topic, callback: None))
    for thread in threads:
        thread()  # returns at once, where moksha's own would wait for messages
    return plugin


def frame(body: str) -> Any:
    return SimpleNamespace(body=body, topic="org.fedoraproject.dev.wiki.article.edit")


def message(number: int) -> Any:
    topic = "org.fedoraproject.dev.wiki.article.edit"
    return frame(f'{{"topic": "{topic}", "msg_id": "m{number}", "msg": {{}}, "i": 1, "timestamp": 1790000000}}')


def test_messages_reach_the_daemon_in_the_same_call(consumer: Any) -> None:
    consumer._consume_json(message(1))
    assert [message.msg_id for message in consumer.daemon.taken] == ["m1"]
    assert consumer.incoming.qsize() == 0
    assert consumer.__json__()["backlog"] == 1


def test_a_full_buffer_sheds_before_the_signature_is_checked(consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    monkeypatch.setattr(FedmsgConsumer, "validate", lambda self, raw: checked.append(raw))
    for number in range(5):
        consumer._consume_json(message(number))
    assert (len(consumer.daemon.taken), len(checked)) == (2, 2)
    assert consumer.daemon.shed == 3
    assert consumer.dropped == {"too many wait": 3}


def test_an_error_in_the_daemon_is_counted_and_not_propagated(
    consumer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consumer.daemon, "put", lambda message: 1 / 0)
    consumer._consume_json(message(1))
    assert "could not be handled" in caplog.text
    assert consumer.__json__()["exceptions"] == 1


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "[]", "x" * 2_000_000])
def test_unusable_messages_are_dropped_and_counted(consumer: Any, body: str) -> None:
    consumer._consume_json(frame(body))
    assert consumer.daemon.taken == []
    assert consumer.dropped.total() == 1
