"""The log of events on a real Redis, also how little of it leaves Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.events.log import MOST_REPLAYED, EventLog
from hubs.events.message import ReplayUnavailable
from tests import services
from tests.stream_suite import LENGTH, StreamSuite


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a Redis of this module's own, which is emptied before each test."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with services.redis_server(folder) as (_, port):
        yield port


@pytest.fixture
def stream(redis: int) -> Iterator[EventLog]:
    log = EventLog(f"redis://127.0.0.1:{redis}/0", length=LENGTH, ttl=60)
    log.client.flushall()
    yield log
    log.client.close()


class TestRedis(StreamSuite):
    pass


def sent(stream: EventLog) -> int:
    """Return the bytes that Redis has sent so far."""
    return int(stream.client.info("stats")["total_net_output_bytes"])


def test_a_reader_with_an_old_cursor_of_a_hundred_full_channels_has_little_read(stream: EventLog) -> None:
    cursor, channels = stream.cursor(), [f"hub:{n}:public:en" for n in range(100)]
    last = ""
    for channel in channels:
        for _ in range(3):
            last = stream.publish(channel, "widget", {"html": "x" * (MOST_REPLAYED // 4)}) or ""
    before = sent(stream)
    with pytest.raises(ReplayUnavailable, match="too-much"):
        stream.since(channels, cursor)
    assert stream.since(channels, last) == []
    assert sent(stream) - before < 10_000  # of 75 MiB in the logs


def test_a_redis_that_comes_back_from_an_older_dump_has_another_epoch_and_no_complete_revocations(
    tmp_path: Path,
) -> None:
    with services.redis_server(tmp_path) as (service, port):
        stream = EventLog(f"redis://127.0.0.1:{port}/0")
        stream.publish("hub:1:public:en", "widget", {"n": 1})
        stream.revocations.mark_complete(stream.revocations.epoch())
        stream.client.save()
        cursor = stream.publish("hub:1:public:en", "widget", {"n": 2}) or ""
        stream.revoke("user:1")
        assert stream.revocations.is_complete()
        service.kill()
        service.restart()
        service.ready(lambda: services.listens(port))
        stream.client.close()
        assert stream.client.exists("hubs:log:hub:1:public:en")  # it loaded the dump
        assert not stream.client.exists("hubs:revoked:user:1")
        assert not stream.revocations.is_complete()
        with pytest.raises(ReplayUnavailable, match="epoch"):
            stream.since(["hub:1:public:en"], cursor)
        epoch = stream.revocations.epoch()
        assert not cursor.startswith(epoch)
        stream.client.close()
        assert stream.revocations.epoch() == epoch  # a new connection to the same process changes nothing
        stream.client.close()
