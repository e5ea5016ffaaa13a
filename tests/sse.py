"""A small reader of event streams for tests: what a browser's EventSource hears."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass
class Heard:
    """One event, and when it came on the monotonic clock."""

    id: str
    type: str
    data: Any
    at: float


class Stream:
    """An open stream; iterating gives its events until it closes or is silent for ``timeout`` seconds."""

    def __init__(
        self, url: str, token: str | list[str], cursor: str = "", last_event_id: str = "", timeout: float = 30.0
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout)
        query = urlencode({"token": token, "cursor": cursor}, doseq=True)
        head = [f"GET {parts.path}?{query} HTTP/1.1", f"Host: {parts.netloc}", "Accept: text/event-stream"]
        if last_event_id:
            head.append(f"Last-Event-ID: {last_event_id}")
        self._buffer = b""
        try:
            self.socket.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            answer = self._until(b"\r\n\r\n").decode()
            self.status = int(answer.split()[1])
        except BaseException:
            self.socket.close()
            raise
        self.headers = answer
        self.comments: list[str] = []
        self.retry = 0

    def __iter__(self) -> Iterator[Heard]:
        while True:
            try:
                block = self._until(b"\n\n").decode()
            except TimeoutError:
                return
            except (EOFError, ConnectionError):
                self.close()
                return
            event = self._read(block)
            if event is not None:
                yield event

    def next(self, kind: str = "", timeout: float = 30.0) -> Heard:
        """Return the next event (of a kind); fail when there is none in time."""
        end = time.monotonic() + timeout
        self.socket.settimeout(timeout)
        for event in self:
            if not kind or event.type == kind:
                return event
            if time.monotonic() > end:
                break
        raise AssertionError(f"no {kind or 'event'} within {timeout:.0f} s")

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def _read(self, block: str) -> Heard | None:
        fields: dict[str, str] = {}
        for line in block.splitlines():
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
                continue
            name, _, value = line.partition(":")
            fields[name] = (fields[name] + "\n" if name in fields else "") + value.removeprefix(" ")
        self.retry = int(fields.get("retry", self.retry))
        if "data" not in fields:
            return None
        kind = fields.get("event", "message")
        return Heard(fields.get("id", ""), kind, json.loads(fields["data"]), time.monotonic())

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._buffer += data
        block, _, self._buffer = self._buffer.partition(mark)
        return block
