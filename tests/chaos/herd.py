"""Thousands of readers in one thread, which reconnect as the page's script does (``backoff.js``, ``connection.js``)."""

import contextlib
import random
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple, Self
from urllib.parse import urlencode, urlsplit

#: Seconds over which readers reconnect whose connection just ended (``SOON``).
SPREAD = 2.0


class Outcome(NamedTuple):
    """How the readers came back: how many, the median and slowest in seconds, and the most attempts of one."""

    back: int
    median: float
    slowest: float
    attempts: int
    failed: int


@dataclass
class _Member:
    failures: int = 0
    attempts: int = 0
    connection: socket.socket | None = None
    connected_at: float | None = None


class Herd:
    """Keeps ``count`` streams open between `__enter__` and `__exit__`."""

    def __init__(self, url: str, count: int, token: str, cursor: str) -> None:
        parts = urlsplit(url)
        self._address, self._parts = (parts.hostname, parts.port), parts
        self._token, self._cursor = token, cursor
        self._members = [_Member() for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        # The first connections come slowly, so that they do not queue for the server.
        now = time.monotonic()
        self._next_at = {number: now + number / 150 for number in range(count)}
        self._lost_at: float | None = None
        #: Attempts to connect that ended without a stream.
        self.refused = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(20)
        for member in self._members:
            if member.connection is not None:
                member.connection.close()
        self._selector.close()

    @property
    def connected(self) -> int:
        """The number of open streams."""
        return sum(member.connected_at is not None for member in self._members)

    def wait_connected(self, timeout: float) -> None:
        """Wait until all streams are open."""
        end = time.monotonic() + timeout
        while self.connected < len(self._members):
            assert time.monotonic() < end, f"only {self.connected} readers are connected"
            time.sleep(0.1)

    def wait_reconnected(self, timeout: float) -> Outcome:
        """Wait until all streams were lost and are open again; return how long that took."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            lost = self._lost_at
            if lost is not None and all((member.connected_at or 0.0) > lost for member in self._members):
                break
            time.sleep(0.1)
        lost = self._lost_at or time.monotonic()
        times = sorted(at - lost for member in self._members if (at := member.connected_at or 0.0) > lost)
        attempts = [member.attempts for member in self._members]
        median = times[len(times) // 2] if times else 0.0
        return Outcome(len(times), median, times[-1] if times else timeout, max(attempts), sum(attempts) - len(times))

    def request(self, number: int) -> bytes:
        """Return the request with which a reader opens its stream."""
        return self.request_from(self._cursor)

    def request_from(self, cursor: str) -> bytes:
        """Return a request for everything after ``cursor``."""
        body, parts = urlencode({"token": self._token, "cursor": cursor}), self._parts
        return (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def hear(self, number: int, data: bytes) -> None:
        """Take what a reader received; this herd needs none of it."""

    def _run(self) -> None:
        while not self._stopping.is_set():
            now = time.monotonic()
            for number in [number for number, at in self._next_at.items() if at <= now]:
                del self._next_at[number]
                self._connect(number)
            for key, _ in self._selector.select(0.02):
                self._serve(key.data, key.events)

    def _connect(self, number: int) -> None:
        member = self._members[number]
        member.attempts += 1
        member.connection = connection = socket.socket()
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection.connect(self._address)
        self._selector.register(connection, selectors.EVENT_WRITE, number)

    def _serve(self, number: int, events: int) -> None:
        member = self._members[number]
        connection = member.connection
        assert connection is not None
        try:
            if events & selectors.EVENT_WRITE:
                connection.send(self.request(number))
                self._selector.modify(connection, selectors.EVENT_READ, number)
                return
            data = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(number)
            return
        if member.connected_at is None and b": hello" in data:
            member.connected_at, member.failures = time.monotonic(), 0
        self.hear(number, data)

    def _lose(self, number: int) -> None:
        member = self._members[number]
        assert member.connection is not None
        self._selector.unregister(member.connection)
        member.connection.close()
        if member.connected_at is not None:
            self._lost_at = self._lost_at or time.monotonic()
            member.attempts = 0
            wait = max(0.2, random.uniform(0.0, SPREAD))
        else:
            member.failures += 1
            self.refused += 1
            wait = min(30.0, 2.0**member.failures) * random.uniform(0.5, 1.0)
        member.connected_at = None
        self._next_at[number] = time.monotonic() + wait
