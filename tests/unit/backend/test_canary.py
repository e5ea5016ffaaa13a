"""The canary takes the whole way, and leaves no trace."""

from datetime import UTC, datetime

import fakeredis
import pytest
import redis

from hubs.backend import canary as sending
from hubs.backend.canary import CanarySender
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.subscriber import RedisSubscriber
from hubs.bus import Message
from hubs.events import canary
from hubs.events.log import EventLog
from hubs.fragments.thread_pool import BoundedThreadPool


class Bus:
    """Delivers what is published back to the sender, like the relay."""

    def __init__(self) -> None:
        self.sender: CanarySender | None = None
        self.lost = False

    def publish(self, topic: str, body: dict[str, str]) -> None:
        if self.sender is not None and not self.lost:
            moment = datetime.now(UTC)
            self.sender.returned(Message("1", f"org.fedoraproject.dev.{topic}", moment, body, {}))


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def sender(bus: Bus, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch) -> CanarySender:
    monkeypatch.setattr(sending, "PATIENCE", 1.0)
    bus.sender = CanarySender(bus, lambda act: True, BoundedThreadPool("canary", 1, 5.0), lambda: store)
    return bus.sender


def test_a_canary_that_is_confirmed_is_recorded(
    sender: CanarySender, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, broadcaster = EventLog("redis://127.0.0.1:1/0"), SSEBroadcaster()
    monkeypatch.setattr(type(events), "client", store)
    subscriber = RedisSubscriber(events, broadcaster)
    broadcaster.start()
    subscriber.start()
    assert subscriber.up.wait(5)
    assert sender.send() == ""
    last = canary.last(store)
    assert last is not None
    assert last[1] < 1
    subscriber.stop()
    broadcaster.drain()


def test_the_place_where_it_was_lost_is_named(sender: CanarySender, bus: Bus, store: fakeredis.FakeRedis) -> None:
    assert sender.send() == "no event server received it"
    bus.lost = True
    assert "did not return from the bus" in sender.send()
    assert canary.last(store) is None


def test_the_canary_of_another_daemon_is_ignored(sender: CanarySender, store: fakeredis.FakeRedis) -> None:
    moment = datetime.now(UTC)
    sender.returned(Message("1", "org.fedoraproject.dev.hubs.canary", moment, {"name": "other"}, {}))
    sender.returned(Message("1", "org.fedoraproject.dev.hubs.canary", moment, {}, {}))
    assert not sender._passed.is_set()


def test_without_redis_it_is_a_warning_in_one_line(
    sender: CanarySender,
    store: fakeredis.FakeRedis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*args: object) -> None:
        raise redis.ConnectionError("Connection refused")

    monkeypatch.setattr(store, "publish", refuse)
    assert sender.send() == "it was not published to Redis"
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)]
