"""The loop that writes to all browsers, on real sockets."""

import ctypes
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from hubs.backend.eventserver import broadcaster as module
from hubs.backend.eventserver import client
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.coalesce import EventBatch
from tests.services import wait_for

Join = Callable[..., tuple[SSEClient, socket.socket]]


@pytest.fixture
def broadcaster() -> Iterator[SSEBroadcaster]:
    broadcaster = SSEBroadcaster()
    broadcaster.start()
    yield broadcaster
    broadcaster.drain()


@pytest.fixture
def join(broadcaster: SSEBroadcaster) -> Iterator[Join]:
    browsers: list[socket.socket] = []

    def join(*channels: str, release: bool = True, until: float = 60) -> tuple[SSEClient, socket.socket]:
        server, browser = socket.socketpair()
        browser.settimeout(5)
        browsers.append(browser)
        reader = SSEClient(server.detach(), channels, time.monotonic() + until)
        broadcaster.add(reader)
        if release:
            broadcaster.release(reader, b"", 0)
        wait_for(lambda: reader.number, "the reader to be taken over")
        return reader, browser

    yield join
    for browser in browsers:
        browser.close()


def test_events_reach_the_readers_of_their_channel_only(broadcaster: SSEBroadcaster, join: Join) -> None:
    (_, first), (_, both), (_, second) = join("a"), join("a", "b"), join("b")
    broadcaster.broadcast("a", 1, b"first;")
    broadcaster.broadcast("b", 2, b"second;")
    assert first.recv(100) == b"first;"
    assert both.recv(100).startswith(b"first;")
    assert second.recv(100) == b"second;"


def test_events_of_several_channels_arrive_in_order(broadcaster: SSEBroadcaster, join: Join) -> None:
    _, browser = join("a", "b")
    for number in range(200):
        broadcaster.broadcast("ab"[number % 2], number + 1, b"%d;" % number)
    expected, got = b"".join(b"%d;" % number for number in range(200)), b""
    while len(got) < len(expected):
        got += browser.recv(65_536)
    assert got == expected


def test_the_replay_comes_first_and_no_event_comes_twice(broadcaster: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a", release=False)
    for number in (1, 2, 3, 4):
        broadcaster.broadcast("a", number, b"%d;" % number)
    broadcaster.release(reader, b"hello;1;2;", 2)
    broadcaster.broadcast("a", 5, b"5;")
    got = b""
    while not got.endswith(b"5;"):
        got += browser.recv(100)
    assert got == b"hello;1;2;3;4;5;"


def test_a_late_copy_of_a_replayed_event_is_left_out(broadcaster: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a", release=False)
    broadcaster.release(reader, b"7;", 7)
    broadcaster.broadcast("a", 6, b"6;")
    broadcaster.broadcast("a", 8, b"8;")
    got = b""
    while not got.endswith(b"8;"):
        got += browser.recv(100)
    assert got == b"7;8;"


def test_a_reader_that_does_not_read_is_disconnected_without_delaying_others(
    broadcaster: SSEBroadcaster, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKLOG", 200_000)
    join("a")
    _, good = join("a")
    received = 0
    for number in range(100):
        broadcaster.broadcast("a", number + 1, b"x" * 10_000)
        while received < (number + 1) * 10_000:
            received += len(good.recv(1_000_000))
    wait_for(lambda: len(broadcaster) == 1, "the silent reader to be disconnected")


def test_a_slow_reader_gets_everything(broadcaster: SSEBroadcaster, join: Join) -> None:
    _, slow = join("a")
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    expected = b"".join(b"%06d;" % number for number in range(50_000))
    for number in range(0, 50_000, 1000):
        broadcaster.broadcast("a", number + 1, b"".join(b"%06d;" % n for n in range(number, number + 1000)))
    got = b""
    while len(got) < len(expected):
        got += slow.recv(50_000)
    assert got == expected


def test_a_reader_that_leaves_is_forgotten_and_its_descriptor_closed(broadcaster: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a")
    browser.close()
    wait_for(lambda: len(broadcaster) == 0, "the reader to be forgotten")
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reader.fd)
    broadcaster.broadcast("a", 1, b"x")
    assert broadcaster.channels.names() == []


def test_a_lost_role_ends_the_streams_of_that_person_only(broadcaster: SSEBroadcaster, join: Join) -> None:
    (_, mine), (_, other) = join("a", "user:7"), join("a", "user:8")
    broadcaster.end("user:7")
    assert mine.recv(10) == b""
    broadcaster.broadcast("a", 1, b"still;")
    assert other.recv(10) == b"still;"


def test_heartbeats_are_sent_and_old_streams_end(
    broadcaster: SSEBroadcaster, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.15)
    (_, browser), (_, old) = join("a"), join("a", until=0.3)
    broadcaster._next_beat = 0
    broadcaster.broadcast("unheard", 1, b"")  # wakes the loop
    assert browser.recv(100).startswith(b": hb 0.")
    wait_for(lambda: len(broadcaster) == 1, "the old stream to end")
    data = old.recv(1000)
    while data:
        data = old.recv(1000)
    assert data == b""


def test_at_shutdown_readers_are_told_when_to_reconnect(join: Join, broadcaster: SSEBroadcaster) -> None:
    _, browser = join("a")
    broadcaster.drain()
    assert browser.recv(100).startswith(b"retry: ")
    assert browser.recv(100) == b""


def test_channels_with_readers_are_known_and_new_ones_are_reported_once(
    broadcaster: SSEBroadcaster, join: Join
) -> None:
    _, browser = join("hub:1:en", "user:7")
    join("hub:1:en")
    assert sorted(broadcaster.channels.names()) == ["hub:1:en", "user:7"]
    assert sorted(broadcaster.channels.take_new()) == ["hub:1:en", "user:7"]
    assert broadcaster.channels.take_new() == []
    browser.close()
    wait_for(lambda: broadcaster.channels.names() == ["hub:1:en"], "the reader to be forgotten")


def test_a_reader_whose_host_vanished_is_forgotten(
    broadcaster: SSEBroadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "VANISHED", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        browser = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    # A filter that drops every packet: this end neither acknowledges nor refuses any more, as with a pulled cable.
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(drop_all))
    with browser:
        browser.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
        reader = SSEClient(server.detach(), ["a"], time.monotonic() + 60)
        broadcaster.add(reader)
        broadcaster.release(reader, b"", 0)
        broadcaster.broadcast("a", 1, b"Is anybody there?")
        wait_for(lambda: reader.number, "the reader to be taken over")
        wait_for(lambda: len(broadcaster) == 0, "the reader to be forgotten")


def test_a_polling_reader_gets_one_complete_response(broadcaster: SSEBroadcaster) -> None:
    server, browser = socket.socketpair()
    with browser:
        browser.settimeout(5)
        reader = SSEClient(server.detach(), ["a", "b"], time.monotonic() + 60, once=True)
        broadcaster.add(reader)
        broadcaster.release(reader, b"", 0)
        broadcaster.broadcast("b", 1, b"x" * 3)
        broadcaster.broadcast("a", 2, b"y" * 500_000)
        got = b""
        while data := browser.recv(65536):
            got += data
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    pulse, _, body = body.partition(b"\n\n")
    assert pulse.startswith(b": hb ")
    assert body in (b"xxx", b"xxx" + b"y" * 500_000)
    wait_for(lambda: len(broadcaster) == 0, "the reader to be forgotten")


def test_a_poll_without_events_gets_a_comment(broadcaster: SSEBroadcaster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.15)
    broadcaster._next_beat = 0
    server, browser = socket.socketpair()
    with browser:
        browser.settimeout(5)
        reader = SSEClient(server.detach(), ["a"], time.monotonic() + 0.2, once=True)
        broadcaster.add(reader)
        broadcaster.release(reader, b"", 0)
        assert browser.recv(1000).endswith(b": nothing\n\n")
        assert browser.recv(10) == b""


def test_events_of_the_channels_of_one_reader_are_joined_in_order() -> None:
    batch = EventBatch([("a", 1, b"1;"), ("b", 2, b"2;"), ("a", 3, b"3;"), ("c", 4, b"4;")])
    assert batch.events_for("a", ("b", "a")) is None  # its reader is served at the first channel
    both = batch.events_for("b", ("b", "a"))
    assert both is not None
    assert both.joined == b"1;2;3;"
    assert batch.events_for("b", ("b", "a", "user:1")) is both
    alone = batch.events_for("a", ("a",))
    assert alone is not None
    assert alone.events == [(1, b"1;"), (3, b"3;")]
