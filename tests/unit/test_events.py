"""Events: their log, exactly what was missed, and tokens. On the embedded Redis of the default."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from fakeredis import TcpFakeServer

from hubs import events
from hubs.errors import NotAllowed
from hubs.events import Event, Missed, Stream, Tokens
from tests.services import free_port

KEY = b"a key for tests that is long enough"


@pytest.fixture
def server() -> Iterator[int]:
    """Give the port of the embedded Redis."""
    port = free_port()
    found = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    found.daemon_threads = True
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield port
    found.shutdown()
    found.server_close()


@pytest.fixture
def stream(server: int) -> Iterator[Stream]:
    found = Stream(f"redis://127.0.0.1:{server}/0", length=5, ttl=60)
    yield found
    found.client.close()


def missed(stream: Stream, channels: list[str], cursor: str) -> list[int]:
    return [json.loads(event.data)["n"] for event in stream.since(channels, cursor)]


def test_ids_rise_over_all_channels(stream: Stream) -> None:
    ids = [stream.publish(f"hub:{n % 3}:en", "widget", {"n": n}) for n in range(20)]
    numbers = [events.number_of(one or "") for one in ids]
    assert numbers == sorted(set(numbers))


def test_a_reader_gets_exactly_what_was_missed_in_order(stream: Stream) -> None:
    stream.publish("hub:1:en", "widget", {"n": 0})
    cursor = stream.cursor()
    assert missed(stream, ["hub:1:en"], cursor) == []
    for n in range(1, 4):
        stream.publish(f"hub:{1 + n % 2}:en", "widget", {"n": n})
    assert missed(stream, ["hub:1:en", "hub:2:en"], cursor) == [1, 2, 3]
    assert missed(stream, ["hub:2:en"], cursor) == [1, 3]
    assert missed(stream, ["hub:9:en"], cursor) == []


def test_a_cursor_from_before_anything_was_published_works(stream: Stream) -> None:
    cursor = stream.cursor()
    stream.publish("user:1", "notice", {"n": 1})
    assert missed(stream, ["user:1"], cursor) == [1]


def test_a_log_that_was_cut_is_too_old(stream: Stream) -> None:
    cursor = stream.cursor()
    for n in range(6):
        stream.publish("hub:1:en", "widget", {"n": n})
    with pytest.raises(Missed, match="too-old"):
        stream.since(["hub:1:en"], cursor)
    assert missed(stream, ["hub:2:en"], cursor) == []


def test_a_cursor_older_than_the_log_lives_is_too_old(stream: Stream) -> None:
    epoch, _, number = stream.cursor().rpartition("-")
    with pytest.raises(Missed, match="too-old"):
        stream.since(["hub:1:en"], f"{epoch}-{int(number) - 61_000_000}")


@pytest.mark.parametrize("cursor", ["", "nonsense", "-", "abc-", "abc-x", "abc-²", "a-" + "9" * 30])
def test_a_cursor_that_is_none_is_unknown(stream: Stream, cursor: str) -> None:
    stream.cursor()
    with pytest.raises(Missed, match="unknown"):
        stream.since(["hub:1:en"], cursor)


def test_a_cursor_of_another_epoch_or_of_the_future_is_refused(stream: Stream) -> None:
    epoch, _, number = stream.cursor().rpartition("-")
    with pytest.raises(Missed, match="epoch"):
        stream.since(["hub:1:en"], f"ffffffff-{number}")
    with pytest.raises(Missed, match="unknown"):
        stream.since(["hub:1:en"], f"{epoch}-{int(number) + 10**9}")


def test_what_redis_did_not_take_becomes_a_reset(server: int) -> None:
    stream = Stream(f"redis://127.0.0.1:{server}/0")
    cursor = stream.cursor()
    good, stream._client = stream._client, redis.Redis(port=1)
    assert stream.publish("hub:1:en", "widget", {"n": 1}) is None
    assert stream.cursor() == ""
    stream._client = good
    stream.settle()
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset"]
    assert stream.publish("hub:1:en", "widget", {"n": 2})
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset", "widget"]
    stream.client.close()


def test_a_revoked_person_needs_a_newer_token(stream: Stream) -> None:
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
    assert events.encode(Event("e-1", "widget", '{"a":1}')) == b'id: e-1\nevent: widget\ndata: {"a":1}\n\n'
    assert events.encode(Event("e-1", "widget", "{}", "hub:1:en")).startswith(b"id: e-1\nchannel: hub:1:en\nevent: wid")
    assert events.encode(events.reset("epoch")) == b'event: reset\ndata: {"reason": "epoch"}\n\n'


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
        events.decode(payload)


def test_odd_characters_survive(stream: Stream) -> None:
    cursor = stream.cursor()
    text = 'line\nbreak \u2028 "quotes" ünïcode {"id":"x"}'
    stream.publish("hub:1:en", "widget", {"html": text})
    found = stream.since(["hub:1:en"], cursor)[0]
    assert json.loads(found.data) == {"html": text}
    assert "\n" not in found.data
