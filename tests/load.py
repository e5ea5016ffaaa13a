"""Load for tests: something that is done at a fixed rate, however long it takes."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence


class Load:
    """Calls ``work`` at ``rate`` calls a second in threads until the block ends; keeps what it raised.

    Seconds are counted from the moment at which a call was due, so that a stall counts for all who waited behind it.
    """

    def __init__(self, work: Callable[[], object], rate: float, threads: int) -> None:
        self._work, self._rate, self._stop = work, rate, threading.Event()
        self._numbers, self._lock, self._began = itertools.count(), threading.Lock(), 0.0
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.failed: list[str] = []
        #: When each call was due, on the monotonic clock, and the seconds until it was done.
        self.calls: list[tuple[float, float]] = []

    def __enter__(self) -> "Load":
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def seconds(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Return how long the calls took that were due in an interval of the monotonic clock."""
        return [seconds for due, seconds in list(self.calls) if since <= due < until]

    def _run(self) -> None:
        while True:
            with self._lock:
                due = self._began + next(self._numbers) / self._rate
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            try:
                self._work()
            except Exception as error:  # whatever it is counts
                self.failed.append(f"{type(error).__name__}: {error}")
            self.calls.append((due, time.monotonic() - due))


def percentile(seconds: Sequence[float], part: float) -> float:
    """Return the value below which ``part`` of all are; 0 if there are none."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))] if seconds else 0.0
