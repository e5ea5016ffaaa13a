"""The loop that writes to all browsers: one thread, epoll, bytes that were encoded once.

A greenlet and a queue per reader would cost kilobytes and context switches each; here a reader is a small object and a
file descriptor. Events that wait for one channel are joined into one write. A reader that does not read is
disconnected, and reconnects with the id of its last event.
"""

import itertools
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from math import inf

from hubs.backend.eventserver import responses
from hubs.backend.eventserver.channels import ChannelReaders
from hubs.backend.eventserver.client import VANISHED, SSEClient
from hubs.backend.eventserver.coalesce import CoalescedEvents, EventBatch
from hubs.backend.eventserver.presence import Figures, PresenceBoard
from hubs.backend.eventserver.pulse import Pulse
from hubs.events.heartbeat import Beat
from hubs.metrics.histogram import Histogram

log = logging.getLogger(__name__)

#: Bytes that may wait for one reader.
BACKLOG = 1 << 21
#: Seconds between two heartbeats to one reader, and the groups of readers that get theirs at different times.
HEARTBEAT, BEATS = 3.0, 3
#: Heartbeats without progress of a full connection after which the reader is disconnected.
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
        self.channels = ChannelReaders()
        #: Held while a byte waits in the pipe.
        self._wake_pending = threading.Lock()
        self._numbers = itertools.count(1)
        self._beat_group = 0
        self.pulse, self.presence = Pulse(), PresenceBoard()
        #: Seconds from the publication of events to their write, and the number of readers that did not read.
        self.delivered_after, self.dropped_readers = Histogram(), 0
        self._next_beat = time.monotonic() + HEARTBEAT / BEATS
        self._running = True
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def __len__(self) -> int:
        """Return the number of readers."""
        return len(self._readers)

    @property
    def buffered_bytes(self) -> int:
        """Bytes that wait for readers; those that wait for several readers count for each."""
        return sum(reader.size for reader in self._all())

    def add(self, reader: SSEClient) -> None:
        """Take over a reader's socket; its events are buffered until `release`."""
        os.set_blocking(reader.fd, False)
        self.call(lambda: self._add(reader))

    def release(self, reader: SSEClient, first: bytes, after: int) -> None:
        """Send ``first``, then every event after number ``after``."""
        self.call(lambda: self._release(reader, first, after))

    def answer(self, reader: SSEClient, data: bytes) -> None:
        """Send ``data`` unchanged and close the connection."""
        self.call(lambda: self._finish(reader, data))

    def drop(self, reader: SSEClient) -> None:
        """Close a reader's connection."""
        self.call(lambda: self._close(reader))

    def broadcast(self, channel: str, number: int, payload: bytes) -> None:
        """Send an event to all readers of ``channel``."""
        self._events.append((channel, number, payload))
        self._wake()

    def end(self, scope: str, moment: float = inf) -> None:
        """End the streams whose tokens name ``scope`` and were issued until ``moment``."""
        self.call(lambda: self._end(self._issued_until(scope, moment)))

    def end_all(self) -> None:
        """Tell all readers to reconnect, and end their streams."""
        self.call(lambda: self._disconnect_all(responses.reconnect_notice))

    def heartbeat(self, beat: Beat) -> None:
        """Record a heartbeat of a daemon; one that ends a gap is sent to all readers at once."""
        if self.pulse.note(beat):
            self.call(self._beat_all)

    def show_presence(self, figures: Figures, left: Iterable[int]) -> None:
        """Send readers the presence of hubs; forget the hubs that all readers ``left``."""
        self.call(lambda: self.presence.show(figures, left, self.channels, self._send))

    def drain(self, timeout: float = 2.0) -> None:
        """Tell every reader to reconnect after a random delay, then stop."""
        self.call(self._drain)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def call(self, act: Callable[[], None]) -> None:
        """Run ``act`` in the loop, in its turn."""
        self._calls.append(act)
        self._wake()

    def _wake(self) -> None:
        # One byte in the pipe is enough to wake the loop; a burst of events costs one system call.
        if self._wake_pending.acquire(blocking=False):
            os.write(self._wake_out, b"w")

    def _run(self) -> None:
        while self._running:
            ready = self._epoll.poll(max(0.0, self._next_beat - time.monotonic()), 1024)
            try:
                for fd, flags in ready:
                    if fd == self._wake_in:
                        os.read(self._wake_in, 64)
                        # Released before the queues are emptied: what is queued after that wakes the loop again.
                        self._wake_pending.release()
                    elif (reader := self._readers.get(fd)) is not None:
                        self._serve(reader, flags)
                self._work()
            except Exception:  # an error with one reader must not end the streams of all others
                log.exception("the stream loop goes on")

    def _work(self) -> None:
        # Events are taken before calls but delivered after them. So a reader that is added now gets everything that is
        # published from now on; what was published before is in the log that is replayed to it.
        events = [self._events.popleft() for _ in range(len(self._events))]
        for _ in range(len(self._calls)):
            self._calls.popleft()()
        if events:
            self._deliver(events)
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + HEARTBEAT / BEATS
            self._heartbeat()

    def _deliver(self, events: list[tuple[str, int, bytes]]) -> None:
        """Send each reader the events of its channels in one write."""
        batch = EventBatch(events)
        for channel in batch.channels:
            for reader in self.channels.readers(channel):
                coalesced = batch.events_for(channel, reader.channels)
                if coalesced is not None:
                    self._deliver_to(reader, coalesced)
        # The number of an event is when it was published, in microseconds.
        written = time.time()
        for _, number, _ in events:
            self.delivered_after.observe(max(0.0, written - number / 1_000_000))

    def _deliver_to(self, reader: SSEClient, coalesced: CoalescedEvents) -> None:
        if reader.buffered is not None:  # its log is still being read
            reader.buffered.extend(coalesced.events)
            reader.size += len(coalesced.joined)
            if reader.size > BACKLOG:
                self.dropped_readers += 1
                self._close(reader)
        elif coalesced.events[0][0] > reader.after:
            self._send(reader, coalesced.joined)
        else:
            # Redis may deliver an event that the replay contained already.
            self._send(reader, b"".join(payload for number, payload in coalesced.events if number > reader.after))

    def _send(self, reader: SSEClient, data: bytes) -> None:
        if not data or reader.closing:
            return
        if reader.once:
            self._finish(reader, responses.poll_response(self.pulse.comment() + self.presence.current(reader) + data))
            return
        self._write(reader, data)

    def _finish(self, reader: SSEClient, data: bytes) -> None:
        """Write the last bytes to a reader, and close the connection once the kernel took them."""
        if self._readers.get(reader.fd) is reader and not reader.closing:
            reader.closing, reader.buffered, reader.until = True, None, time.monotonic() + VANISHED
            self.channels.unsubscribe(reader)
            self._write(reader, data)

    def _write(self, reader: SSEClient, data: bytes) -> None:
        was_pending = reader.pending is not None
        try:
            done = reader.write(data)
        except OSError:
            self._close(reader)
            return
        if reader.size > BACKLOG:
            log.info("a reader that does not read is disconnected")
            self.dropped_readers += 1
            self._close(reader)
        elif not done and not was_pending:
            self._epoll.modify(reader.fd, select.EPOLLRDHUP | select.EPOLLOUT)
        elif done and reader.closing:
            self._close(reader)

    def _serve(self, reader: SSEClient, flags: int) -> None:
        """Write what is pending for a reader, or close a connection that the reader has closed."""
        if flags & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
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
        reader.limit()
        self._epoll.register(reader.fd, select.EPOLLRDHUP)
        reader.number = next(self._numbers)
        self._readers[reader.fd] = reader
        self.channels.subscribe(reader)

    def _release(self, reader: SSEClient, first: bytes, after: int) -> None:
        if self._readers.get(reader.fd) is not reader or reader.closing:
            return
        buffered, reader.buffered, reader.size, reader.after = reader.buffered or [], None, 0, after
        figures = b"" if reader.once else self.presence.current(reader)
        self._send(reader, first + b"".join(payload for number, payload in buffered if number > after) + figures)

    def _heartbeat(self) -> None:
        # A third of the readers each second, so that ten thousand writes do not hold up events.
        self._beat_group = (self._beat_group + 1) % BEATS
        now, comment = time.monotonic(), self.pulse.comment()
        for reader in self._all():
            if reader.until < now:
                self._expire(reader)
            elif reader.number % BEATS != self._beat_group or reader.buffered is not None or reader.once:
                continue
            elif reader.pending is None:
                self._send(reader, comment)
            else:
                reader.stuck += 1
                if reader.stuck >= STUCK:
                    self.dropped_readers += 1
                    self._close(reader)

    def _beat_all(self) -> None:
        comment = self.pulse.comment()
        for reader in self._all():
            if reader.buffered is None and reader.pending is None and not reader.once:
                self._send(reader, comment)

    def _expire(self, reader: SSEClient) -> None:
        if reader.once and reader.buffered is None and not reader.closing:
            self._send(reader, responses.NOTHING)
        else:
            self._close(reader)

    def _drain(self) -> None:
        self._disconnect_all(responses.drain_notice)
        self._running = False

    def _disconnect_all(self, notice: Callable[[], bytes]) -> None:
        for reader in self._all():
            if reader.buffered is None:
                self._send(reader, notice())
        self._close_all(self._all())

    def _all(self) -> tuple[SSEClient, ...]:
        return tuple(self._readers.values())

    def _close_all(self, readers: Iterable[SSEClient]) -> None:
        for reader in tuple(readers):
            self._close(reader)

    def _end(self, readers: list[SSEClient]) -> None:
        self._close_all(readers)
        self.presence.withdraw(readers)

    def _issued_until(self, scope: str, moment: float) -> list[SSEClient]:
        return [reader for reader in self.channels.readers(scope) if reader.issued <= moment]

    def _close(self, reader: SSEClient) -> None:
        if self._readers.get(reader.fd) is not reader:
            return
        self.channels.unsubscribe(reader)
        del self._readers[reader.fd]
        os.close(reader.fd)  # epoll forgets a descriptor that is closed
