"""A gunicorn worker whose threads only see requests that have arrived whole.

gunicorn's own hands a new connection to a thread at once, which then waits for what the other end sends: a few
connections that send half a request, or one byte now and then, hold all threads. Here a connection waits in the main
loop, which looks at what has come without taking it. nginx in front does the same; this holds without it.
"""

import contextlib
import errno
import re
import socket
import time
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

#: Seconds within which a request must have arrived; connections that may wait, of which the oldest give way.
PATIENCE, WAITING = 5.0, 400
#: Bytes of one request: its head, and with its body.
HEAD, MOST = 16_384, 96_000
#: Nobody is there any more, or there is no descriptor left, which passes.
_NOT_NOW = (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE)
_LENGTH = re.compile(rb"^content-length:\s*(\d{1,9})\s*$", re.IGNORECASE | re.MULTILINE)


def missing(data: bytes) -> int:
    """Return how many bytes of a request are missing at least; 0 when it is whole, or more than we would read."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return 0 if len(data) >= HEAD else 1
    length = _LENGTH.search(head)
    rest = int(length[1]) - len(body) if length else 0
    return rest if 0 < rest <= MOST - len(data) else 0


class HandshakeWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads, and a waiting room before them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Until when each connection may wait, the oldest first.
        self._waiting: dict[TConn, float] = {}

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and watch it until its request is there."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _NOT_NOW:
                raise
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        self._waiting[conn] = time.monotonic() + PATIENCE
        self.poller.register(client, EVENT_READ, partial(self._look, conn))
        if len(self._waiting) > WAITING:
            self._turn_away(next(iter(self._waiting)))

    def murder_pending(self) -> None:
        """Close what took too long."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [conn for conn, until in self._waiting.items() if until < now]:
            self._turn_away(conn)

    def _look(self, conn: TConn, client: socket.socket) -> None:
        try:
            data = client.recv(MOST, socket.MSG_PEEK)
            lacking = missing(data) if data else 0
            # The loop hears of the connection again when more has come than there is now.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(data) + lacking if lacking else 1)
        except BlockingIOError:
            return
        except OSError:
            lacking = 0
        if not lacking:
            del self._waiting[conn]
            self.poller.unregister(client)
            conn.data_ready = True
            self.enqueue_req(conn)

    def _turn_away(self, conn: TConn) -> None:
        del self._waiting[conn]
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()
