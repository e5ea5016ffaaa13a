"""The loop that writes to all browsers: one thread, epoll, bytes that were encoded once.

A greenlet and a queue per reader cost kilobytes and context switches each; here a reader is a small object and a file
descriptor. What waits for one channel is joined into one write. Who does not read is dropped, and comes back with the
id of the last event.
"""

import itertools
import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from hubs.backend.eventserver import responses
from hubs.backend.eventserver.client import SSEClient
from hubs.backend.eventserver.coalesce import CoalescedEvents, EventBatch
from hubs.backend.eventserver.pulse import Pulse

log = logging.getLogger(__name__)

#: Bytes that may wait for one reader.
BACKLOG = 1 << 21
#: Seconds between two heartbeats to one reader; the loop spreads them.
HEARTBEAT, BEATS = 3.0, 3
#: Seconds after which a connection whose other end vanished is given up by the kernel.
VANISHED = 30
#: Bytes that the kernel may hold for one reader. More would only wait there instead of here, where readers share it:
#: with ten thousand readers and a burst, megabytes each would be gigabytes.
SEND_BUFFER = 128 * 1024
#: Heartbeats through which nothing that waits may have been taken, after which a reader is dropped.
STUCK = 20


class SSEBroadcaster:
    """Serves readers in a thread of its own; all public methods may be called from any thread."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._epoll.register(self._wake_in, select.EPOLLIN)
        self._calls: deque[Callable[[], None]] = deque()
        self._events: deque[tuple[str, int, bytes]] = deque()
        self._readers: dict[int, SSEClient] = {}
        self._channels: dict[str, dict[int, SSEClient]] = {}
        self._fresh: deque[str] = deque()
        self._woken = threading.Lock()
        self._numbers = itertools.count(1)
        self._beat = 0
        self.pulse = Pulse()
        self._next_beat = time.monotonic() + HEARTBEAT / BEATS
        self._running = True
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def __len__(self) -> int:
        """Return the number of readers."""
        return len(self._readers)

    def heard(self) -> list[str]:
        """Return the channels that somebody hears."""
        return list(self._channels)  # one step of the interpreter: no other thread can come between

    def fresh(self) -> list[str]:
        """Return the channels that somebody has begun to hear since the last call."""
        return [self._fresh.popleft() for _ in range(len(self._fresh))]

    def add(self, reader: SSEClient) -> None:
        """Take over a reader's socket; from now on its events are kept for it."""
        os.set_blocking(reader.fd, False)
        self._call(lambda: self._add(reader))

    def listeners(self, channel: str) -> int:
        """Return the number of readers that hear a channel."""
        return len(self._channels.get(channel, ()))

    def release(self, reader: SSEClient, first: bytes, after: int) -> None:
        """Send ``first``, then every event after number ``after``."""
        self._call(lambda: self._release(reader, first, after))

    def answer(self, reader: SSEClient, data: bytes) -> None:
        """Send ``data`` as it is, as the last that this reader gets."""
        self._call(lambda: self._finish(reader, data))

    def drop(self, reader: SSEClient) -> None:
        """Close a reader's connection."""
        self._call(lambda: self._close(reader))

    def broadcast(self, channel: str, number: int, payload: bytes) -> None:
        """Send an event to all who hear ``channel``."""
        self._events.append((channel, number, payload))
        self._wake()

    def end(self, scope: str, moment: float = inf) -> None:
        """End the streams whose tokens name ``scope`` and were issued until ``moment``."""
        self._call(lambda: self._close_all(self._issued_until(scope, moment)))

    def end_all(self) -> None:
        """Tell all readers to come back, and end their streams."""
        self._call(self._disconnect_all)

    def heartbeat(self, handled_at: float | None) -> None:
        """Note a heartbeat of the daemon; one that ends a gap is passed on to all readers at once."""
        if self.pulse.note(handled_at):
            self._call(self._beat_all)

    def drain(self, timeout: float = 2.0) -> None:
        """Tell every reader to reconnect after a random delay, then stop."""
        self._call(self._drain)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _call(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        self._wake()

    def _wake(self) -> None:
        # One byte in the pipe is enough, and a system call less for each of a burst.
        if self._woken.acquire(blocking=False):
            os.write(self._wake_out, b"w")

    def _run(self) -> None:
        while self._running:
            ready = self._epoll.poll(max(0.0, self._next_beat - time.monotonic()), 1024)
            try:
                for fd, what in ready:
                    if fd == self._wake_in:
                        os.read(self._wake_in, 64)
                        self._woken.release()
                    elif (reader := self._readers.get(fd)) is not None:
                        self._serve(reader, what)
                self._work()
            except Exception:  # one reader's trouble must not silence all others
                log.exception("the stream loop goes on")

    def _work(self) -> None:
        # Events first: what was published before a reader was added is in the log that is replayed to it.
        events = [self._events.popleft() for _ in range(len(self._events))]
        for _ in range(len(self._calls)):
            self._calls.popleft()()
        if events:
            self._deliver(events)
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + HEARTBEAT / BEATS
            self._heartbeat()

    def _deliver(self, events: list[tuple[str, int, bytes]]) -> None:
        """Send each reader what came on its channels, in one piece."""
        batch = EventBatch(events)
        for channel in batch.channels:
            for reader in tuple(self._channels.get(channel, {}).values()):
                run = batch.run(channel, reader.channels)
                if run is not None:
                    self._deliver_to(reader, run)

    def _deliver_to(self, reader: SSEClient, run: CoalescedEvents) -> None:
        if reader.buffered is not None:
            reader.buffered.extend(run.events)
            reader.size += len(run.joined)
            if reader.size > BACKLOG:
                self._close(reader)
        elif run.events[0][0] > reader.after:
            self._send(reader, run.joined)
        else:
            self._send(reader, b"".join(payload for number, payload in run.events if number > reader.after))

    def _send(self, reader: SSEClient, data: bytes) -> None:
        if not data or reader.closing:
            return
        if reader.once:
            self._finish(reader, responses.poll_response(self.pulse.comment() + data))
            return
        self._write(reader, data)

    def _finish(self, reader: SSEClient, data: bytes) -> None:
        """Write the last bytes to a reader, and close the connection once they are taken."""
        if self._readers.get(reader.fd) is reader and not reader.closing:
            reader.closing, reader.buffered, reader.until = True, None, time.monotonic() + VANISHED
            self._unsubscribe(reader)
            self._write(reader, data)

    def _write(self, reader: SSEClient, data: bytes) -> None:
        waited = reader.pending is not None
        try:
            done = reader.write(data)
        except OSError:
            self._close(reader)
            return
        if reader.size > BACKLOG:
            log.info("a reader who does not read is dropped")
            self._close(reader)
        elif not done and not waited:
            self._epoll.modify(reader.fd, select.EPOLLRDHUP | select.EPOLLOUT)
        elif done and reader.closing:
            self._close(reader)

    def _serve(self, reader: SSEClient, what: int) -> None:
        """Write on what waits for a reader, or close what the reader has closed."""
        if what & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
            self._close(reader)
            return
        try:
            done = reader.flush()
        except OSError:
            self._close(reader)
            return
        if done and reader.closing:
            self._close(reader)
        elif done:
            self._epoll.modify(reader.fd, select.EPOLLRDHUP)

    def _add(self, reader: SSEClient) -> None:
        try:
            connection = socket.fromfd(reader.fd, socket.AF_INET, socket.SOCK_STREAM)
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED * 1000)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        except OSError:
            log.debug("not a TCP connection; the kernel will not notice when the other end vanishes")
        self._epoll.register(reader.fd, select.EPOLLRDHUP)
        reader.number = next(self._numbers)
        self._readers[reader.fd] = reader
        for channel in reader.channels:
            listeners = self._channels.get(channel)
            if listeners is None:
                listeners = self._channels[channel] = {}
                self._fresh.append(channel)
            listeners[reader.fd] = reader

    def _release(self, reader: SSEClient, first: bytes, after: int) -> None:
        if self._readers.get(reader.fd) is not reader or reader.closing:
            return
        buffered, reader.buffered, reader.size, reader.after = reader.buffered or [], None, 0, after
        self._send(reader, first + b"".join(payload for number, payload in buffered if number > after))

    def _heartbeat(self) -> None:
        self._beat = (self._beat + 1) % BEATS
        now = time.monotonic()
        for reader in self._all():
            if reader.until < now:
                self._expire(reader)
            elif reader.number % BEATS != self._beat or reader.buffered is not None or reader.once:
                continue
            elif reader.pending is None:
                self._send(reader, self.pulse.comment())
            else:
                reader.stuck += 1
                if reader.stuck >= STUCK:
                    self._close(reader)

    def _beat_all(self) -> None:
        for reader in self._all():
            if reader.buffered is None and reader.pending is None and not reader.once:
                self._send(reader, self.pulse.comment())

    def _expire(self, reader: SSEClient) -> None:
        if reader.once and reader.buffered is None and not reader.closing:
            self._send(reader, responses.NOTHING)
        else:
            self._close(reader)

    def _drain(self) -> None:
        self._disconnect_all()
        self._running = False

    def _disconnect_all(self) -> None:
        for reader in self._all():
            if reader.buffered is None:
                self._send(reader, responses.drain_notice())
        self._close_all(self._all())

    def _all(self) -> tuple[SSEClient, ...]:
        return tuple(self._readers.values())

    def _close_all(self, readers: Iterable[SSEClient]) -> None:
        for reader in tuple(readers):
            self._close(reader)

    def _issued_until(self, scope: str, moment: float) -> list[SSEClient]:
        return [reader for reader in self._channels.get(scope, {}).values() if reader.issued <= moment]

    def _close(self, reader: SSEClient) -> None:
        if self._readers.get(reader.fd) is not reader:
            return
        self._unsubscribe(reader)
        del self._readers[reader.fd]
        os.close(reader.fd)  # epoll forgets a descriptor that is closed

    def _unsubscribe(self, reader: SSEClient) -> None:
        for channel in reader.channels:
            listeners = self._channels.get(channel, {})
            if listeners.get(reader.fd) is reader:
                del listeners[reader.fd]
            if not listeners:
                self._channels.pop(channel, None)
