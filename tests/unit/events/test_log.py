"""Events: their log, exactly what was missed, and tokens. On the embedded Redis of the default."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis
from fakeredis import TcpFakeServer

from hubs.errors import NotAllowed
from hubs.events import message
from hubs.events.log import EventLog
from hubs.events.message import Event
from hubs.events.tokens import Tokens
from tests.services import free_port
from tests.stream_suite import LENGTH, StreamSuite

KEY = b"a key for tests that is long enough"


@pytest.fixture
def server() -> Iterator[int]:
    """Give the port of the embedded Redis."""
    port = free_port()
    found = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    found.daemon_threads = True
    thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield port
    found.shutdown()
    found.server_close()


@pytest.fixture
def stream(server: int) -> Iterator[EventLog]:
    found = EventLog(f"redis://127.0.0.1:{server}/0", length=LENGTH, ttl=60)
    yield found
    found.client.close()


class TestEmbedded(StreamSuite):
    pass


def test_what_redis_did_not_take_becomes_a_reset(server: int) -> None:
    stream = EventLog(f"redis://127.0.0.1:{server}/0")
    cursor = stream.cursor()
    good, stream._client = stream._client, redis.Redis.from_url("redis://127.0.0.1:1/0")
    assert stream.publish("hub:1:en", "widget", {"n": 1}) is None
    assert stream.cursor() == ""
    stream._client = good
    stream.settle()
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset"]
    assert stream.publish("hub:1:en", "widget", {"n": 2})
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset", "widget"]
    stream.client.close()


def test_a_revoked_person_needs_a_newer_token(stream: EventLog) -> None:
    tokens = Tokens(KEY, 60)
    grant = tokens.read(tokens.mint(["hub:1:en", "user:7"]))
    visitor = tokens.read(tokens.mint(["hub:1:en"]))
    assert not stream.is_revoked(grant)
    stream.revoke("user:7")
    assert stream.is_revoked(grant)
    assert not stream.is_revoked(visitor)
    stream.revoke("hub:1:en")
    assert stream.is_revoked(visitor)
    assert not stream.is_revoked(tokens.read(tokens.mint(["hub:2:en"])))
    assert not stream.is_revoked(tokens.read(tokens.mint([])))


def test_tokens_say_what_they_allow() -> None:
    tokens = Tokens(KEY, 60)
    grant = tokens.read(tokens.mint(["hub:1:en", "user:7"]))
    assert grant.channels == ("hub:1:en", "user:7")
    assert abs(grant.issued - time.time()) < 2


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "WzEsMl0.abc.def"])
def test_forged_tokens_are_refused(token: str) -> None:
    with pytest.raises(NotAllowed, match="not valid"):
        Tokens(KEY, 60).read(token)


def test_tokens_of_another_key_and_old_ones_are_refused() -> None:
    token = Tokens(b"another key that is long enough", 60).mint(["hub:1:en"])
    with pytest.raises(NotAllowed, match="not valid"):
        Tokens(KEY, 60).read(token)
    with pytest.raises(NotAllowed, match="too old"):
        Tokens(KEY, -1).read(Tokens(KEY, 60).mint(["hub:1:en"]))


def test_events_are_written_in_the_format_of_event_streams() -> None:
    assert message.encode(Event("e-1", "widget", '{"a":1}')) == b'id: e-1\nevent: widget\ndata: {"a":1}\n\n'
    assert message.encode(Event("e-1", "widget", "{}", "hub:1:en")).startswith(
        b"id: e-1\nchannel: hub:1:en\nevent: wid"
    )
    assert message.encode(message.reset("epoch")) == b'event: reset\ndata: {"reason": "epoch"}\n\n'


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b"{}",
        b"nope",
        b'{"data": 5}',
        b'{"data": "a\\nb"}',
        b'{"data": "a", "type": "x\\ndata: forged"}',
        b'{"data": "a", "id": "1\\r2"}',
    ],
)
def test_what_could_forge_an_event_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        message.decode(payload)
