"""The event log, replay, revocations and tokens. On the embedded Redis of the default."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis
from fakeredis import TcpFakeServer

from hubs.errors import NotAllowed
from hubs.events import message
from hubs.events.connection import connect
from hubs.events.log import EventLog
from hubs.events.message import Event
from hubs.events.tokens import Tokens
from tests.services import free_port
from tests.stream_suite import LENGTH, StreamSuite

KEY = b"a key for tests that is long enough"


@pytest.fixture
def server() -> Iterator[int]:
    """Yield the port of an embedded Redis."""
    port = free_port()
    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield port
    server.shutdown()
    server.server_close()


@pytest.fixture
def stream(server: int) -> Iterator[EventLog]:
    log = EventLog(f"redis://127.0.0.1:{server}/0", length=LENGTH, ttl=60)
    yield log
    log.client.close()


class TestEmbedded(StreamSuite):
    pass


def test_an_event_that_redis_did_not_take_becomes_a_reset(server: int) -> None:
    stream = EventLog(f"redis://127.0.0.1:{server}/0")
    cursor = stream.cursor()
    good, stream._client = stream._client, redis.Redis.from_url("redis://127.0.0.1:1/0")
    assert stream.publish("hub:1:en", "widget", {"n": 1}) is None
    assert stream.cursor() == ""
    stream._client = good
    stream.flush_resets()
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset"]
    assert stream.publish("hub:1:en", "widget", {"n": 2})
    assert [event.type for event in stream.since(["hub:1:en"], cursor)] == ["reset", "widget"]
    stream.client.close()


def test_idle_connections_are_given_up_when_one_fails(server: int) -> None:
    client = connect(f"redis://127.0.0.1:{server}/0")
    connections = [client.connection_pool.get_connection() for _ in range(3)]
    for connection in connections:
        client.connection_pool.release(connection)
    assert all(connection.is_connected for connection in connections)
    failing = client.connection_pool.get_connection()
    failing.disconnect()  # as after a reply that did not come in time
    client.connection_pool.release(failing)
    assert not any(connection.is_connected for connection in connections)
    assert client.ping()
    client.close()


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


def test_revoking_a_hub_covers_its_audiences_and_a_session_its_pages(stream: EventLog) -> None:
    tokens = Tokens(KEY, 60)
    members = tokens.read(tokens.mint(["hub:1:members:en"], session="session:a"))
    other = tokens.read(tokens.mint(["hub:11:public:en"], session="session:b"))
    assert stream.revoke("hub:1")
    assert stream.revocations.are_revoked([members, other]) == [True, False]
    assert stream.revoke("session:b")
    assert stream.revocations.are_revoked([members, other]) == [True, True]


def test_newer_tokens_are_valid_and_an_older_revocation_never_hides_a_newer_one(
    stream: EventLog,
) -> None:
    tokens, now = Tokens(KEY, 60), time.time()
    before, after = (tokens.read(tokens.mint(["user:1"], issued=moment)) for moment in (now - 0.01, now + 0.01))
    assert stream.revoke("user:1", moment=now)
    assert stream.revoke("user:1", moment=now - 5)
    assert stream.revocations.are_revoked([before, after]) == [True, False]


def test_a_revocation_that_redis_did_not_take_fails() -> None:
    assert not EventLog("redis://127.0.0.1:1/0").revoke("user:1")
    assert not EventLog("redis://127.0.0.1:1/0").forget(["hub:1:public:en"])


def test_a_deleted_log_is_not_replayed(stream: EventLog) -> None:
    cursor = stream.cursor()
    for channel in ("hub:1:public:en", "hub:2:public:en"):
        stream.publish(channel, "widget", {"n": 1})
    assert stream.forget(["hub:1:public:en", "hub:1:members:en"])
    with pytest.raises(message.ReplayUnavailable, match="too-old"):
        stream.since(["hub:1:public:en"], cursor)
    assert len(stream.since(["hub:2:public:en", "hub:1:members:en"], cursor)) == 1
    assert stream.since(["hub:1:public:en"], stream.cursor()) == []


def test_after_a_loss_the_revocations_are_restored_before_any_token_is_accepted(stream: EventLog) -> None:
    tokens, restored = Tokens(KEY, 60), []
    claims = tokens.read(tokens.mint(["user:1"]))

    def restore() -> None:
        restored.append(epoch := stream.revocations.epoch())
        stream.revocations.write({"user:1": (time.time(), 60.0)})
        stream.revocations.mark_complete(epoch)

    stream.revocations.restore = restore
    assert stream.is_revoked(claims)
    assert stream.is_revoked(claims)
    assert len(restored) == 1
    stream.client.flushall()
    assert stream.is_revoked(claims)
    assert len(set(restored)) == 2


def test_after_an_outage_no_token_is_accepted_before_the_revocations_that_waited(stream: EventLog) -> None:
    tokens, waiting = Tokens(KEY, 60), {}
    claims = tokens.read(tokens.mint(["user:1"]))

    def restore() -> None:
        epoch = stream.revocations.epoch()
        stream.revocations.write(waiting)
        stream.revocations.mark_complete(epoch)

    stream.revocations.restore = restore
    assert not stream.is_revoked(claims)
    waiting["user:1"] = time.time(), 60.0  # committed while Redis does not answer
    assert not stream.is_revoked(claims)
    stream.revocations.doubt()
    assert stream.is_revoked(claims)
    waiting.clear()
    stream.client.delete("hubs:revoked:user:1")
    assert not stream.is_revoked(claims), "one restore is enough for one outage"


def test_revocations_that_another_reader_has_just_restored_count(
    stream: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, copy = Tokens(KEY, 60), stream.revocations
    claims, read = tokens.read(tokens.mint(["user:1"])), copy._read

    def restore() -> None:
        copy.write({"user:1": (time.time(), 60.0)})
        copy.mark_complete(copy.epoch())

    def overtaken(scopes: list[str]) -> list[bytes | None]:
        values = read(scopes)
        if copy._is_in_doubt:
            restore()
            copy._settled = copy._doubts
        return values

    copy.mark_complete(copy.epoch())
    copy.restore = restore
    monkeypatch.setattr(copy, "_read", overtaken)
    copy.doubt()
    assert stream.is_revoked(claims)


def test_a_restore_that_fails_is_repeated(stream: EventLog) -> None:
    tokens = Tokens(KEY, 60)
    claims = tokens.read(tokens.mint(["user:1"]))
    stream.revocations.mark_complete(stream.revocations.epoch())
    attempts = 0

    def restore() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise redis.ConnectionError("the database does not answer")

    stream.revocations.restore = restore
    stream.revocations.doubt()
    with pytest.raises(redis.ConnectionError):
        stream.is_revoked(claims)
    assert not stream.is_revoked(claims)
    assert not stream.is_revoked(claims)
    assert attempts == 2


def test_without_restored_revocations_no_token_is_accepted(stream: EventLog) -> None:
    tokens = Tokens(KEY, 60)
    stream.revocations.restore = lambda: None
    with pytest.raises(redis.RedisError, match="not restored"):
        stream.is_revoked(tokens.read(tokens.mint(["user:1"])))


def test_tokens_contain_their_claims() -> None:
    tokens = Tokens(KEY, 60)
    claims = tokens.read(tokens.mint(["hub:1:en", "user:7"]))
    assert claims.channels == ("hub:1:en", "user:7")
    assert abs(claims.issued - time.time()) < 2
    assert abs(claims.expires - time.time() - 60) < 2
    claims = tokens.read(tokens.mint(["user:7"], session="session:x", issued=time.time() - 10, until=time.time() + 5))
    assert claims.scopes == ("user:7", "session:x")
    assert abs(claims.issued - time.time() + 10) < 2
    assert claims.expires <= time.time() + 5
    with pytest.raises(NotAllowed, match="too old"):
        tokens.read(tokens.mint(["user:7"], until=time.time() - 1))


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


def test_events_have_the_format_of_event_streams() -> None:
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
def test_payloads_that_could_forge_an_event_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        message.decode(payload)
