"""Heartbeats: one that shows that a thread is alive, and one that shows browsers that updates arrive."""

import logging
import threading
import time
from collections.abc import Callable

import redis

from hubs.events import heartbeat

log = logging.getLogger(__name__)


class Heartbeat:
    """Records when `beat` was last called, from any thread."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """Record that the calling thread is alive."""
        self._last = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last


class HeartbeatPublisher:
    """Publishes a heartbeat each time a marker has passed through the pipeline.

    A thread of its own publishes it, so that a Redis that does not answer never holds up the pipeline.
    """

    def __init__(self, put: Callable[[Callable[[], None]], bool], publish: Callable[[], None]) -> None:
        self._put, self._publish = put, publish
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """End the thread at its next wake-up."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(heartbeat.INTERVAL):
            passed = threading.Event()
            if not self._put(passed.set):
                continue
            while not passed.wait(0.5) and not self._stopped.is_set():
                pass
            try:
                if passed.is_set():
                    self._publish()
            except redis.RedisError as error:
                log.warning("the heartbeat was not published: %s", error)
