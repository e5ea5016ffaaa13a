"""A daemon that starts names the gap that nobody listened in, if there was one, and learns whether it comes first."""

import time
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import fakeredis
import pytest
import redis

from hubs.backend import heartbeat as publishing
from hubs.backend.heartbeat import HeartbeatPublisher
from hubs.events import heartbeat
from tests.services import wait_for


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def publisher(store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch) -> HeartbeatPublisher:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.05)
    monkeypatch.setattr(publishing, "TURN", 0.3)

    def put(act: Any) -> bool:
        act()
        return True

    pipeline: Any = SimpleNamespace(put=put, handled_at=None)
    made = HeartbeatPublisher(pipeline, lambda: store)
    made.names_gap = True
    return made


def _stopped(store: fakeredis.FakeRedis, seconds: float) -> None:
    """Let a daemon have stopped some time ago."""
    heartbeat.publish(store, "former", None, is_last=True)
    store.zincrby(heartbeat.DAEMONS, -seconds, "former")


def _run(publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, also: str = "") -> None:
    publisher.start()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        if also:
            heartbeat.publish(store, also, datetime.now())
        time.sleep(0.05)
    publisher.stop()


def test_a_gap_is_named(
    publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    _stopped(store, 12)
    publisher.start()
    wait_for(lambda: "no daemon listened to the bus for 12 s" in caplog.text, "the name of the gap", 10)
    publisher.stop()


def test_another_daemon_leaves_no_gap(
    publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    _stopped(store, 12)
    _run(publisher, store, "standby")
    assert "no daemon listened" not in caplog.text


def test_the_first_daemon_ends_no_gap(
    publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    _run(publisher, store)
    assert "no daemon listened" not in caplog.text


@pytest.mark.parametrize(("other", "is_first"), [("0", False), ("z", True)])
def test_of_several_daemons_one_comes_first_until_it_is_silent(
    publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, other: str, is_first: bool
) -> None:
    places: list[bool] = []
    publisher.on_place = places.append
    heartbeat.publish(store, other, None)
    _run(publisher, store, other)
    assert set(places) == {is_first}
    places.clear()
    publisher._stopped.clear()
    publisher.start()
    wait_for(lambda: places and places[-1], "the other to be missed", 10)
    publisher.stop()


def test_without_redis_a_daemon_comes_first(
    publisher: HeartbeatPublisher, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise redis.ConnectionError("no server")

    places: list[bool] = []
    publisher.on_place = places.append
    heartbeat.publish(store, "0", None)
    monkeypatch.setattr(heartbeat, "ages", fail)
    _run(publisher, store)
    assert set(places) == {True}


def test_only_the_last_daemons_are_remembered(store: fakeredis.FakeRedis) -> None:
    for number in range(heartbeat.MOST_DAEMONS + 5):
        heartbeat.publish(store, f"daemon{number}", None)
    assert len(heartbeat.ages(store)) == heartbeat.MOST_DAEMONS
