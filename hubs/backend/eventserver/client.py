"""One browser's connection, as used by the loop of `hubs.backend.eventserver.broadcaster` holds it."""

import logging
import os
import socket
from collections import deque
from collections.abc import Iterable

log = logging.getLogger(__name__)

#: Pieces that one system call writes.
PIECES = 64
#: Seconds after which the kernel gives up a connection whose other end vanished.
VANISHED = 30
#: Bytes that the kernel may buffer for one reader. Here, unlike there, readers share what waits for them: with ten
#: thousand readers and a burst, megabytes for each would be gigabytes.
SEND_BUFFER = 128 * 1024


class SSEClient:
    """A socket and the bytes queued for it: an object of some hundred bytes.

    Its events are buffered until `SSEBroadcaster.release`, so that the log can be replayed first. A reader that polls
    (``once``) gets one complete response, once there are events or its time is up.
    """

    __slots__ = (
        "after",
        "buffered",
        "channels",
        "closing",
        "fd",
        "issued",
        "number",
        "once",
        "pending",
        "size",
        "stuck",
        "until",
    )

    def __init__(self, fd: int, channels: Iterable[str], until: float, *, once: bool = False) -> None:
        self.fd, self.channels, self.until, self.once = fd, tuple(channels), until, once
        #: Events that arrived while the log was being read; None afterwards.
        self.buffered: list[tuple[int, bytes]] | None = []
        #: Bytes that the socket did not take, shared with other readers that wait for the same; None if there are none.
        self.pending: deque[bytes | memoryview] | None = None
        self.after = self.size = self.number = self.stuck = 0
        self.closing = False
        #: When the oldest of its tokens was issued: an earlier revocation does not concern the reader.
        self.issued = 0.0

    def write(self, data: bytes) -> bool:
        """Write to the socket; queue the rest. Return whether nothing is queued.

        :raises OSError: when the connection is broken.
        """
        if self.pending is not None:
            self.pending.append(data)
            self.size += len(data)
            return False
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return True
        self.pending, self.size = deque([memoryview(data)[sent:]]), len(data) - sent
        return False

    def flush(self) -> bool:
        """Write queued bytes; return whether the queue is empty.

        :raises OSError: when the connection is broken.
        """
        while self.pending:
            pieces = [self.pending.popleft() for _ in range(min(PIECES, len(self.pending)))]
            try:
                sent = os.writev(self.fd, pieces)
            except BlockingIOError:
                sent = 0
            self.stuck = 0
            self.size -= sent
            while pieces and sent >= len(pieces[0]):
                sent -= len(pieces.pop(0))
            if pieces:
                pieces[0] = memoryview(pieces[0])[sent:]
                self.pending.extendleft(reversed(pieces))
                return False
        self.pending = None
        return True

    def limit(self) -> None:
        """Limit what the kernel buffers for the connection, and for how long it waits for an end that vanished."""
        try:
            with socket.fromfd(self.fd, socket.AF_INET, socket.SOCK_STREAM) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED * 1000)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        except OSError:
            log.debug("not a TCP connection; the kernel will not notice when the other end vanishes")
