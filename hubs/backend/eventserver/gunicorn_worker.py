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
#: Transient accept errors: the peer is gone, or we are out of file descriptors.
_NOT_NOW = (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE)
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,9})[ \t]*", re.IGNORECASE)
#: Lines of a head that say how long the body is, however they are written.
_FRAMING = re.compile(rb"\s*(content[-_]length|transfer[-_]encoding)\b", re.IGNORECASE)
_REFUSED = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Refused(Exception):
    """A request whose end cannot be determined, or that is too large; the text is the status."""


def bytes_missing(data: bytes) -> int:
    """Return how many bytes of a request are missing at least; 0 when it is whole.

    :raises Refused: when its end cannot be known, or is further than we would read: a thread would wait for it.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        if len(data) >= HEAD:
            raise Refused("431 Request Header Fields Too Large")
        return 1
    framing = [line for line in head.splitlines()[1:] if _FRAMING.match(line)]
    if not framing:
        return 0
    length = _LENGTH.fullmatch(framing[0])
    if length is None or len(framing) > 1:
        raise Refused("400 Bad Request")
    rest = int(length[1]) - len(body)
    if rest > MOST - len(data):
        raise Refused("413 Content Too Large")
    return max(rest, 0)


class Connection(TConn):  # type: ignore[misc]
    """A connection whose thread waits for no more than `PATIENCE` seconds for the other end."""

    def init(self) -> None:
        """Make it ready for a thread."""
        super().init()
        self.sock.settimeout(PATIENCE)  # here, since gunicorn makes it blocking just before


class BufferedRequestWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that buffers requests in the event loop and hands only complete ones to a thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A second request on a connection would go to a thread before it has arrived.
        self.cfg.set("keepalive", 0)
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
        conn = Connection(self.cfg, client, address, listener.getsockname())
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
            lacking = bytes_missing(data) if data else 0
            # The loop hears of the connection again when more has come than there is now.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(data) + lacking if lacking else 1)
        except BlockingIOError:
            return
        except Refused as error:
            with contextlib.suppress(OSError):
                client.send(_REFUSED % str(error).encode())
            self._turn_away(conn)
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
