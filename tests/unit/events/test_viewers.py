"""Which hubs have viewers, and in which languages. On the embedded Redis of the default."""

from collections.abc import Iterator

import pytest
import redis

from hubs.backend.eventserver import subscriber
from hubs.backend.eventserver.subscriber import ViewerReporter
from hubs.events import expiring, viewers
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from tests.services import wait_for
from tests.unit.events.test_log import server, stream

__all__ = ["server", "stream"]


def test_the_locales_of_viewers_are_known(stream: EventLog) -> None:
    viewers.announce(stream.client, ["hub:7:public:en", "hub:7:members:de", "hub:8:public:pt_BR", "user:3"])
    assert stream.watched(7) == {"en", "de"}
    assert stream.watched_many([7, 8, 9]) == {7: {"en", "de"}, 8: {"pt_BR"}, 9: set()}
    assert stream.is_watched(8)
    assert not stream.is_watched(3)


def test_announcing_no_hub_channel_is_no_error(stream: EventLog) -> None:
    viewers.announce(stream.client, [])
    viewers.announce(stream.client, ["user:1", "hub:1"])
    assert stream.watched(1) == set()


def test_more_channels_than_one_call_takes_are_all_announced(stream: EventLog) -> None:
    viewers.announce(stream.client, [hub_channel(number, "public", "en") for number in range(1, 1101)])
    assert all(stream.watched_many(range(1, 1101)).values())


def test_viewers_who_left_are_forgotten(stream: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    viewers.announce(stream.client, ["hub:7:public:en"])
    monkeypatch.setattr(viewers, "LIFETIME", 100)
    viewers.announce(stream.client, ["hub:7:members:de"])
    now = expiring.time.time()
    monkeypatch.setattr(expiring.time, "time", lambda: now + 46)
    assert stream.watched(7) == {"de"}
    viewers.announce(stream.client, ["hub:7:public:fr"])
    assert stream.client.zrange("hubs:watched:7", 0, -1) == [b"de", b"fr"]
    assert 0 < stream.client.ttl("hubs:watched:7") <= 100


def test_without_redis_no_hub_has_viewers(stream: EventLog) -> None:
    good, stream._client = stream._client, redis.Redis.from_url("redis://127.0.0.1:1/0")
    assert stream.watched_many([7, 8]) == {7: set(), 8: set()}
    stream._client = good


def test_a_change_in_locales_that_are_not_rendered_is_logged(stream: EventLog) -> None:
    cursor = stream.cursor()
    stream.changed(7, "members", ["de", "fr"], 12, 3)
    for locale in ("de", "fr"):
        (event,) = stream.since([f"hub:7:members:{locale}"], cursor)
        assert (event.type, event.data) == ("changed", '{"widget":12,"hub":7,"version":3}')
    stream.changed(7, "members", [], 12, 3)


def test_a_change_that_redis_did_not_take_becomes_a_reset_in_each_locale(stream: EventLog) -> None:
    cursor = stream.cursor()
    good, stream._client = stream._client, redis.Redis.from_url("redis://127.0.0.1:1/0")
    stream.changed(7, "members", ["de", "fr"], 12, 3)
    stream._client = good
    stream.flush_resets()
    for locale in ("de", "fr"):
        assert [event.type for event in stream.since([f"hub:7:members:{locale}"], cursor)] == ["reset"]


@pytest.fixture
def new_channels(stream: EventLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the list from which a running reporter takes new channels; ``hub:1:public:en`` always has readers."""
    monkeypatch.setattr(subscriber, "CHECK", 0.02)
    new_channels: list[str] = []

    def take_new() -> list[str]:
        channels, new_channels[:] = new_channels[:], []
        return channels

    reporter = ViewerReporter(stream, take_new, lambda: ["hub:1:public:en"])
    reporter.start()
    yield new_channels
    reporter.stop()


def test_new_channels_are_announced_at_once_and_all_of_them_periodically(
    stream: EventLog, new_channels: list[str]
) -> None:
    wait_for(lambda: stream.watched(1) == {"en"}, "the first announcement")
    new_channels.append("hub:2:public:de")
    wait_for(lambda: stream.watched(2) == {"de"}, "the announcement of a new channel")


def test_the_reporter_survives_an_outage_of_redis(stream: EventLog, new_channels: list[str]) -> None:
    wait_for(lambda: stream.watched(1), "the first announcement")
    good, stream._client = stream._client, redis.Redis.from_url("redis://127.0.0.1:1/0")
    new_channels.append("hub:2:public:de")
    wait_for(lambda: not new_channels, "the reporter to try")
    good.delete("hubs:watched:1")
    stream._client = good
    wait_for(lambda: stream.watched(1) == {"en"}, "everything to be announced again")
