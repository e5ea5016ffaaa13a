"""A heartbeat: when a thread was last seen alive."""

import time


class Heartbeat:
    """Notes when `beat` was last called; from any thread."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """Note that the thread that calls this is alive."""
        self._last = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last
