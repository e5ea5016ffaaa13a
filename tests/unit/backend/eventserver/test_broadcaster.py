"""The loop that writes to all browsers, on real sockets."""

import ctypes
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from hubs.backend.eventserver import broadcaster as writing
from hubs.backend.eventserver.broadcaster import SSEBroadcaster
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.coalesce import EventBatch
from tests.services import wait_for

Join = Callable[..., tuple[SSEClient, socket.socket]]


@pytest.fixture
def writer() -> Iterator[SSEBroadcaster]:
    found = SSEBroadcaster()
    found.start()
    yield found
    found.drain()


@pytest.fixture
def join(writer: SSEBroadcaster) -> Iterator[Join]:
    ours: list[socket.socket] = []

    def join(*channels: str, release: bool = True, until: float = 60) -> tuple[SSEClient, socket.socket]:
        server, browser = socket.socketpair()
        browser.settimeout(5)
        ours.append(browser)
        reader = SSEClient(server.detach(), channels, time.monotonic() + until)
        writer.add(reader)
        if release:
            writer.release(reader, b"", 0)
        wait_for(lambda: reader.number, "the reader to be taken over")
        return reader, browser

    yield join
    for one in ours:
        one.close()


def test_events_reach_those_who_hear_the_channel_and_nobody_else(writer: SSEBroadcaster, join: Join) -> None:
    (_, one), (_, two), (_, other) = join("a"), join("a", "b"), join("b")
    writer.broadcast("a", 1, b"first;")
    writer.broadcast("b", 2, b"second;")
    assert one.recv(100) == b"first;"
    assert two.recv(100).startswith(b"first;")
    assert other.recv(100) == b"second;"


def test_events_of_several_channels_come_in_their_order(writer: SSEBroadcaster, join: Join) -> None:
    _, browser = join("a", "b")
    for number in range(200):
        writer.broadcast("ab"[number % 2], number + 1, b"%d;" % number)
    expected, got = b"".join(b"%d;" % number for number in range(200)), b""
    while len(got) < len(expected):
        got += browser.recv(65_536)
    assert got == expected


def test_what_is_replayed_comes_first_and_nothing_comes_twice(writer: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a", release=False)
    for number in (1, 2, 3, 4):
        writer.broadcast("a", number, b"%d;" % number)
    writer.release(reader, b"hello;1;2;", 2)
    writer.broadcast("a", 5, b"5;")
    got = b""
    while not got.endswith(b"5;"):
        got += browser.recv(100)
    assert got == b"hello;1;2;3;4;5;"


def test_a_late_copy_of_what_was_replayed_is_left_out(writer: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a", release=False)
    writer.release(reader, b"7;", 7)
    writer.broadcast("a", 6, b"6;")
    writer.broadcast("a", 8, b"8;")
    got = b""
    while not got.endswith(b"8;"):
        got += browser.recv(100)
    assert got == b"7;8;"


def test_who_does_not_read_is_dropped_and_the_others_do_not_wait(
    writer: SSEBroadcaster, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BACKLOG", 200_000)
    join("a")
    _, good = join("a")
    received = 0
    for number in range(100):
        writer.broadcast("a", number + 1, b"x" * 10_000)
        while received < (number + 1) * 10_000:
            received += len(good.recv(1_000_000))
    wait_for(lambda: len(writer) == 1, "the silent reader to be dropped")


def test_who_reads_slowly_gets_everything(writer: SSEBroadcaster, join: Join) -> None:
    _, slow = join("a")
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    expected = b"".join(b"%06d;" % number for number in range(50_000))
    for number in range(0, 50_000, 1000):
        writer.broadcast("a", number + 1, b"".join(b"%06d;" % n for n in range(number, number + 1000)))
    got = b""
    while len(got) < len(expected):
        got += slow.recv(50_000)
    assert got == expected


def test_who_leaves_is_forgotten_and_the_descriptor_closed(writer: SSEBroadcaster, join: Join) -> None:
    reader, browser = join("a")
    browser.close()
    wait_for(lambda: len(writer) == 0, "the reader to be forgotten")
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reader.fd)
    writer.broadcast("a", 1, b"x")
    assert writer._channels == {}


def test_one_persons_streams_are_ended_by_a_lost_role(writer: SSEBroadcaster, join: Join) -> None:
    (_, mine), (_, other) = join("a", "user:7"), join("a", "user:8")
    writer.end("user:7")
    assert mine.recv(10) == b""
    writer.broadcast("a", 1, b"still;")
    assert other.recv(10) == b"still;"


def test_heartbeats_come_and_old_streams_end(
    writer: SSEBroadcaster, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "HEARTBEAT", 0.15)
    (_, browser), (_, old) = join("a"), join("a", until=0.3)
    writer._next_beat = 0
    writer.broadcast("nobody", 1, b"")  # wakes the loop
    assert browser.recv(100).startswith(b": hb 0.")
    wait_for(lambda: len(writer) == 1, "the old stream to end")
    data = old.recv(1000)
    while data:
        data = old.recv(1000)
    assert data == b""


def test_at_the_end_everybody_is_told_when_to_come_back(join: Join, writer: SSEBroadcaster) -> None:
    _, browser = join("a")
    writer.drain()
    assert browser.recv(100).startswith(b"retry: ")
    assert browser.recv(100) == b""


def test_what_somebody_hears_is_known_and_what_is_new_is_told_once(writer: SSEBroadcaster, join: Join) -> None:
    _, one = join("hub:1:en", "user:7")
    join("hub:1:en")
    assert sorted(writer.heard()) == ["hub:1:en", "user:7"]
    assert sorted(writer.fresh()) == ["hub:1:en", "user:7"]
    assert writer.fresh() == []
    one.close()
    wait_for(lambda: writer.heard() == ["hub:1:en"], "the reader to be forgotten")


def test_a_reader_whose_other_end_vanished_without_a_word_is_forgotten(
    writer: SSEBroadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "VANISHED", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        browser = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    # A filter that lets nothing in: this end neither acknowledges nor refuses any more, as behind a pulled cable.
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(drop_all))
    with browser:
        browser.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
        reader = SSEClient(server.detach(), ["a"], time.monotonic() + 60)
        writer.add(reader)
        writer.release(reader, b"", 0)
        writer.broadcast("a", 1, b"Is anybody there?")
        wait_for(lambda: reader.number, "the reader to be taken over")
        wait_for(lambda: len(writer) == 0, "the reader to be forgotten")


def test_who_polls_gets_one_whole_answer_and_then_the_connection_ends(writer: SSEBroadcaster) -> None:
    server, browser = socket.socketpair()
    with browser:
        browser.settimeout(5)
        reader = SSEClient(server.detach(), ["a", "b"], time.monotonic() + 60, once=True)
        writer.add(reader)
        writer.release(reader, b"", 0)
        writer.broadcast("b", 1, b"x" * 3)
        writer.broadcast("a", 2, b"y" * 500_000)
        got = b""
        while data := browser.recv(65536):
            got += data
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head
    pulse, _, body = body.partition(b"\n\n")
    assert pulse.startswith(b": hb ")
    assert body in (b"xxx", b"xxx" + b"y" * 500_000)
    wait_for(lambda: len(writer) == 0, "the reader to be forgotten")


def test_who_polls_in_vain_is_told_so(writer: SSEBroadcaster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "HEARTBEAT", 0.15)
    writer._next_beat = 0
    server, browser = socket.socketpair()
    with browser:
        browser.settimeout(5)
        reader = SSEClient(server.detach(), ["a"], time.monotonic() + 0.2, once=True)
        writer.add(reader)
        writer.release(reader, b"", 0)
        assert browser.recv(1000).endswith(b": nothing\n\n")
        assert browser.recv(10) == b""


def test_events_of_channels_that_one_reader_hears_are_joined_in_their_order() -> None:
    batch = EventBatch([("a", 1, b"1;"), ("b", 2, b"2;"), ("a", 3, b"3;"), ("c", 4, b"4;")])
    both = batch.run("a", ("b", "a"))
    assert both is None  # it is served at its first channel
    found = batch.run("b", ("b", "a"))
    assert found is not None
    assert found.joined == b"1;2;3;"
    assert batch.run("b", ("b", "a", "user:1")) is found
    alone = batch.run("a", ("a",))
    assert alone is not None
    assert alone.events == [(1, b"1;"), (3, b"3;")]
