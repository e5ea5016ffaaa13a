"""Readers of a stream that continue after the last event that they got, as pages do, and keep what they heard."""

import re
import time

from tests.chaos.herd import Herd

_ID = re.compile(rb"^id: ?(\S+)$", re.MULTILINE)


class Followers(Herd):
    """Keeps ``count`` streams open between `__enter__` and `__exit__`."""

    def __init__(self, url: str, count: int, token: str, cursor: str) -> None:
        super().__init__(url, count, token, cursor)
        #: For each reader the ids of its events in the order in which they came, and when, on the monotonic clock.
        self.heard: list[list[tuple[str, float]]] = [[] for _ in range(count)]
        self._buffers = [b""] * count

    def request(self, number: int) -> bytes:
        """Ask for what follows the last event of a reader."""
        self._buffers[number] = b""
        heard = self.heard[number]
        return self.request_from(heard[-1][0]) if heard else super().request(number)

    def hear(self, number: int, data: bytes) -> None:
        """Keep the ids of complete events; what follows them waits for its end."""
        complete, mark, rest = (self._buffers[number] + data).rpartition(b"\n\n")
        self._buffers[number] = rest
        if mark:
            now = time.monotonic()
            self.heard[number] += [(found.decode(), now) for found in _ID.findall(complete)]
