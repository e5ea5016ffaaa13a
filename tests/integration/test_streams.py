"""The EventSource server on its own: what a reader gets, through every interruption."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import httpx
import pytest
from httpx_sse import connect_sse

from hubs.events.tokens import Tokens
from tests import services
from tests.services import Service, wait_for
from tests.sse import Stream
from tests.streams import Streams, serve


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int]]:
    """Give a Redis of this module's own: its tests end it."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as redis:
        yield redis


@pytest.fixture(scope="module")
def streams(redis: tuple[Service, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    options = ("--access-logfile", "-")
    with serve(tmp_path_factory.mktemp("eventsource"), redis[1], *options, HUBS_STREAM_LOG="20") as streams:
        yield streams


def numbers(stream: Stream, count: int) -> list[object]:
    return [stream.next("notice").data["n"] for _ in range(count)]


def status(streams: Streams, *tokens: str) -> int:
    stream = Stream(streams.url, list(tokens), streams.log.cursor())
    stream.close()
    return stream.status


def test_a_client_library_reads_ids_types_comments_and_every_character(streams: Streams) -> None:
    text = "two\nlines\r\nand \u2028 more: ünïcødé 漢字 🦦 \x00 id: 5"
    params = {"token": streams.token("hub:1:en"), "cursor": streams.log.cursor()}
    published = [streams.publish("hub:1:en", text=text * size) for size in (1, 1, 3000)]
    with httpx.Client(timeout=5) as client, connect_sse(client, "GET", streams.url, params=params) as source:
        source.response.raise_for_status()
        told = (event for event in source.iter_sse() if event.data)  # not the one that only holds `retry`
        events = [event for _, event in zip(published, told, strict=False)]
    assert [event.id for event in events] == published
    assert {event.event for event in events} == {"notice"}
    assert [json.loads(event.data)["text"] for event in events] == [text, text, text * 3000]


def test_a_returning_reader_gets_exactly_the_missed_events(streams: Streams) -> None:
    first = streams.publish("hub:2:en", n=1)
    for n in (2, 3):
        streams.publish("hub:2:en", n=n)
    again = streams.open("hub:2:en", last_event_id=first)
    streams.publish("hub:2:en", n=4)
    assert numbers(again, 3) == [2, 3, 4]
    again.close()


@pytest.mark.parametrize(
    ("cursor", "reason"), [("nonsense", "unknown"), ("", "unknown"), ("0badcafe-1", "epoch"), ("future", "unknown")]
)
def test_events_missing_from_the_log_become_a_reset_and_the_stream_goes_on(
    streams: Streams, cursor: str, reason: str
) -> None:
    streams.publish("hub:3:en", n=0)
    if cursor == "future":
        cursor = f"{streams.log.cursor().partition('-')[0]}-{int(time.time() * 1e6) + 10**9}"
    stream = Stream(streams.url, streams.token("hub:3:en"), cursor)
    assert stream.next("reset").data == {"reason": reason}
    streams.publish("hub:3:en", n=1)
    # On a busy machine, the server reads the first event after the reader came, and the page hears it after the reset.
    assert numbers(stream, 1) == [1] or numbers(stream, 1) == [1]
    stream.close()


def test_a_reader_whose_events_were_trimmed_from_the_log_gets_a_reset(streams: Streams) -> None:
    cursor = streams.log.cursor()
    for n in range(25):
        streams.publish("hub:4:en", n=n)
    stream = streams.open("hub:4:en", cursor=cursor)
    assert stream.next().data == {"reason": "too-old"}
    stream.close()


def test_a_reader_who_missed_more_than_a_page_holds_gets_a_reset(streams: Streams) -> None:
    cursor = streams.log.cursor()
    for n in range(12):
        streams.publish(f"hub:{40 + n % 2}:en", n=n, blob="x" * 100_000)
    stream = streams.open("hub:40:en", "hub:41:en", cursor=cursor)
    assert stream.next().data == {"reason": "too-much"}
    stream.close()


def test_one_connection_hears_for_several_pages_and_says_which_tokens_are_bad(streams: Streams) -> None:
    forged = Tokens(b"another key that is long enough too", 600).mint(["hub:7:en"])
    tokens = [streams.token("hub:5:en", "user:5"), streams.token("hub:6:de", "user:5"), forged]
    stream = Stream(streams.url, tokens, streams.log.cursor())
    assert stream.next().data == {"tokens": [forged]}
    for channel, n in (("hub:5:en", 1), ("hub:6:de", 2), ("hub:7:en", 3), ("user:5", 4)):
        streams.publish(channel, n=n)
    assert numbers(stream, 3) == [1, 2, 4]
    stream.close()


def test_tokens_are_bounded_and_checked(streams: Streams) -> None:
    assert status(streams) == 403
    assert status(streams, "made-up", "") == 403
    assert status(streams, *(streams.token(f"hub:{n}:en") for n in range(20))) == 200
    with pytest.raises(HTTPError, match="400"):
        streams.poll("", *(streams.token(f"hub:{n}:en") for n in range(101)))
    with pytest.raises(HTTPError, match="413"):
        streams.poll("x" * 70_000, streams.token("hub:1:en"))


def test_a_hundred_tokens_fit_into_one_request(streams: Streams) -> None:
    cursor = streams.log.cursor()
    streams.publish("hub:99:en", n=99)
    answer = streams.poll(cursor, *(streams.token(f"hub:{n}:en", "user:123456") for n in range(100)))
    assert "channel: hub:99:en" in answer


def test_a_poll_answers_missed_events_at_once_and_waits_for_the_next(streams: Streams) -> None:
    token, cursor = streams.token("hub:8:en"), streams.log.cursor()
    first = streams.publish("hub:8:en", n=1)
    answer = streams.poll(cursor, token)
    assert f"id: {first}\n" in answer
    parts = urlsplit(streams.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as waiting:
        body = f"token={token}&cursor={first}"
        head = f"POST /events/poll HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        waiting.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}".encode())
        time.sleep(0.3)
        second = streams.publish("hub:8:en", n=2)
        got = b""
        while data := waiting.recv(65536):
            got += data
    assert f"id: {second}\n".encode() in got
    head_bytes, _, rest = got.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(rest)}".encode() in head_bytes


def test_a_poll_with_an_unknown_cursor_gets_a_reset(streams: Streams) -> None:
    assert "event: reset" in streams.poll("nonsense", streams.token("hub:8:en"))


def test_polls_that_wait_hold_no_thread(streams: Streams) -> None:
    parts, cursor = urlsplit(streams.url), streams.log.cursor()
    with contextlib.ExitStack() as stack:
        for _ in range(30):  # there are eight threads
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            connection.sendall(f"GET /events/poll?token={streams.token('a')}&cursor={cursor} HTTP/1.1\r\n\r\n".encode())
        start = time.monotonic()
        streams.open("hub:1:en").close()
        assert time.monotonic() - start < 10  # a poll lasts longer


def test_handshakes_that_never_end_hold_no_thread(streams: Streams) -> None:
    parts = urlsplit(streams.url)
    pieces = [
        b"",
        b"GET",
        b"GET /events HTTP/1.1\r\nHost: x\r\n",
        b"POST /events HTTP/1.1\r\nContent-Length: 50\r\n\r\ntok",
    ]
    with contextlib.ExitStack() as stack:
        ours = []
        for number in range(80):
            connection = stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0)))
            connection.sendall(pieces[number % len(pieces)])
            ours.append(connection)
        time.sleep(0.3)
        start = time.monotonic()
        streams.open("hub:1:en").close()
        assert time.monotonic() - start < 4  # they are waited for longer
        for connection in ours:  # and they are given up after some seconds, however slowly they go on
            connection.settimeout(30)
            with contextlib.suppress(ConnectionError):
                assert connection.recv(10) == b""


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: " + "9" * 12])
def test_a_request_without_an_end_that_can_be_known_is_turned_away_at_once(streams: Streams, framing: str) -> None:
    parts = urlsplit(streams.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=3) as connection:
        connection.sendall(f"POST /events/poll HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n5\r\nto".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_request_that_comes_in_pieces_is_answered(streams: Streams) -> None:
    parts = urlsplit(streams.url)
    request = f"GET /events?token={streams.token('hub:1:en')}&cursor= HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as slow:
        for number in range(0, len(request), 40):
            slow.sendall(request[number : number + 40])
            time.sleep(0.05)
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")


def test_losing_a_role_ends_the_stream_within_seconds_and_a_new_token_is_needed(streams: Streams) -> None:
    old = streams.token("hub:9:en", "user:9")
    stream = Stream(streams.url, [old, streams.token("hub:10:en")], streams.log.cursor())
    start = time.monotonic()
    streams.log.revoke("user:9")
    assert list(stream) == []  # it ends
    assert time.monotonic() - start < 15
    assert status(streams, old) == 403
    both = Stream(streams.url, [old, streams.token("hub:10:en")], streams.log.cursor())
    assert both.next().data == {"tokens": [old]}
    both.close()
    time.sleep(1)  # a token tells its age in seconds
    assert status(streams, streams.token("hub:9:en", "user:9")) == 200


def test_the_streams_of_one_person_are_bounded(streams: Streams) -> None:
    open_ones = [streams.open("hub:1:en", "user:77") for _ in range(20)]
    wait_for(lambda: status(streams, streams.token("hub:1:en", "user:77")) == 429, "the limit")
    assert status(streams, streams.token("hub:1:en", "user:78")) == 200
    for stream in open_ones:
        stream.close()
    wait_for(lambda: status(streams, streams.token("hub:1:en", "user:77")) == 200, "the places to be free")


def test_a_reader_that_never_reads_is_dropped_and_the_others_do_not_wait(streams: Streams) -> None:
    wait_for(lambda: streams.readers() == 0, "earlier readers to be forgotten")
    before, cursor = streams.readers(), streams.log.cursor()
    silent, good = streams.open("hub:11:en", cursor=cursor), streams.open("hub:11:en", cursor=cursor)
    silent.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    blob = "x" * 300_000
    for n in range(40):
        start = time.monotonic()
        streams.publish("hub:11:en", n=n, blob=blob)
        assert numbers(good, 1) == [n]
        assert time.monotonic() - start < 5
    good.close()
    wait_for(lambda: streams.readers() == before, "the silent reader to be dropped")
    silent.close()


def test_a_slow_reader_gets_everything_once(streams: Streams) -> None:
    slow = streams.open("hub:12:en")
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    for n in range(15):
        streams.publish("hub:12:en", n=n, blob="ü" * 12_000)
    time.sleep(0.5)
    assert numbers(slow, 15) == list(range(15))
    slow.close()


def test_hubs_that_are_looked_at_are_known(streams: Streams) -> None:
    stream = streams.open("hub:4711:public:pt_BR")
    wait_for(lambda: streams.log.watched(4711) == {"pt_BR"}, "the announcement")
    stream.close()


def test_no_token_is_in_any_log_when_it_comes_in_the_body(streams: Streams) -> None:
    token, cursor = streams.token("hub:4242:en"), streams.log.cursor()
    streams.publish("hub:4242:en", n=1)
    streams.poll(cursor, token)
    assert "/events/poll" in streams.service.log()
    assert token not in streams.service.log()


def test_streams_survive_an_outage_of_redis_and_reconnect_soon_after_it(
    streams: Streams, redis: tuple[Service, int]
) -> None:
    stream = streams.open("hub:13:en")
    streams.publish("hub:13:en", n=1)
    last = stream.next("notice").id
    redis[0].kill()
    refused = Stream(streams.url, streams.token("hub:13:en"), last)
    refused.close()
    assert refused.status == 503
    assert "Retry-After: 10" in refused.headers
    redis[0].restart()
    redis[0].ready(lambda: services.listens(redis[1]))
    assert list(stream) == []  # it stays open until the server can serve the log again
    assert 200 <= stream.retry <= 4000
    assert "bye" not in stream.comments
    assert status(streams, streams.token("hub:13:en")) == 200
    again = streams.open("hub:13:en", cursor=last)  # this Redis keeps nothing: another epoch
    assert again.next().data == {"reason": "epoch"}
    again.close()


def test_at_the_end_each_reader_is_told_when_to_come_back_and_gets_what_was_missed(
    redis: tuple[Service, int], tmp_path: Path
) -> None:
    with serve(tmp_path, redis[1]) as server:
        readers = [server.open("hub:14:en") for _ in range(30)]
        server.publish("hub:14:en", n=1)
        last = {reader.next("notice").id for reader in readers}.pop()
        first = {reader.retry for reader in readers}
        start = time.monotonic()
        assert server.service.stop() == 0
        assert time.monotonic() - start < 10
        assert all(list(reader) == [] for reader in readers)
        waits = {reader.retry for reader in readers}
        # At most six attempts a minute, also while the server is down, and spread over time.
        assert min(first | waits) >= 10_000
        assert max(waits) <= 20_000
        assert len(waits) > 20
        assert all("bye" in reader.comments for reader in readers)
        server.publish("hub:14:en", n=2)
        server.service.restart()
        server.ready()
        again = server.open("hub:14:en", last_event_id=last)
        assert numbers(again, 1) == [2]
        again.close()
