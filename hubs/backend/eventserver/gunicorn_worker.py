"""A gunicorn worker whose threads only see complete requests.

gunicorn's own worker hands a new connection to a thread at once, which then waits for the client: a few connections
that send half a request, or one byte now and then, occupy all threads. Here a connection waits in the main loop, which
peeks at the received bytes. nginx in front does the same; this works without it.
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

#: Seconds within which a request must be complete; connections that may wait, beyond which the oldest is closed.
PATIENCE, WAITING = 5.0, 400
#: The extension of the application whose threads each worker starts.
EVENTS = "hubs_events"
#: Largest head of a request, and largest request, in bytes.
HEAD, MOST = 16_384, 96_000
#: Transient accept errors: the peer is gone, or we are out of file descriptors.
_NOT_NOW = (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE)
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,9})[ \t]*", re.IGNORECASE)
#: Header lines that determine the length of the body, in any spelling: a proxy may read one that we would ignore.
_FRAMING = re.compile(rb"\s*(content[-_]length|transfer[-_]encoding)\b", re.IGNORECASE)
_REFUSED = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Refused(Exception):
    """A request whose end cannot be determined, or that is too large; the text is the status."""


def bytes_missing(data: bytes) -> int:
    """Return how many bytes of a request are missing at least; 0 when it is complete.

    :raises Refused: when its end cannot be determined, or it is too large: a thread would wait for it.
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
    missing = int(length[1]) - len(body)
    if missing > MOST - len(data):
        raise Refused("413 Content Too Large")
    return max(missing, 0)


class Connection(TConn):  # type: ignore[misc]
    """A connection whose thread waits at most `PATIENCE` seconds for the client."""

    def init(self) -> None:
        """Prepare the connection for a thread."""
        super().init()
        self.sock.settimeout(PATIENCE)  # here, since gunicorn makes it blocking just before


class BufferedRequestWorker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that buffers requests in the event loop and hands only complete ones to a thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A second request on a connection would go to a thread before it has arrived.
        self.cfg.set("keepalive", 0)
        #: The deadline of each waiting connection, the oldest first.
        self._waiting: dict[TConn, float] = {}

    def load_wsgi(self) -> None:
        """Load the application and start its threads: here, since no thread of the arbiter survives the fork."""
        super().load_wsgi()
        events = getattr(self.wsgi, "extensions", {}).get(EVENTS)
        if events is not None:
            events.running()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and watch it until its request is complete."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _NOT_NOW:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname())
        self._waiting[conn] = time.monotonic() + PATIENCE
        self.poller.register(client, EVENT_READ, partial(self._peek, conn))
        if len(self._waiting) > WAITING:
            self._turn_away(next(iter(self._waiting)))

    def murder_pending(self) -> None:
        """Close connections whose request is not complete in time."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [conn for conn, deadline in self._waiting.items() if deadline < now]:
            self._turn_away(conn)

    def _peek(self, conn: TConn, client: socket.socket) -> None:
        try:
            data = client.recv(MOST, socket.MSG_PEEK)
            missing = bytes_missing(data) if data else 0
            # Peeking leaves the bytes there, so epoll would report them at once; it must wait for more.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(data) + missing if missing else 1)
        except BlockingIOError:
            return
        except Refused as error:
            with contextlib.suppress(OSError):
                client.send(_REFUSED % str(error).encode())
            self._turn_away(conn)
            return
        except OSError:
            missing = 0  # a thread will notice that the connection is broken, and close it
        if not missing:
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
