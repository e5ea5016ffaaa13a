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
    found = EventLog(f"redis://127.0.0.1:{redis}/0", length=LENGTH, ttl=60)
    found.client.flushall()
    yield found
    found.client.close()


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
