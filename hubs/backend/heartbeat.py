"""Heartbeats: one that shows that a thread is alive, and one that shows browsers that updates arrive."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import redis

from hubs.events import heartbeat

log = logging.getLogger(__name__)

#: Seconds within which every daemon that listens sends a heartbeat.
TURN = 2 * heartbeat.INTERVAL + 1


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


class MarkerQueue(Protocol):
    """What the publisher uses of the pipeline."""

    handled_at: datetime | None

    def put(self, item: Callable[[], None]) -> bool:
        """Queue a marker; return False if the queue is full."""


class HeartbeatPublisher:
    """Publishes a heartbeat each time a marker has passed through the pipeline.

    A thread of its own publishes it, so that a Redis that does not answer never holds up the pipeline. ``cut_off``
    returns for how many seconds the daemon has been without its message broker: no update can arrive then, although
    everything else works.
    """

    def __init__(
        self, pipeline: MarkerQueue, client: Callable[[], redis.Redis], cut_off: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._pipeline, self._client, self._cut_off = pipeline, client, cut_off
        self._stopped, self._due = threading.Event(), threading.Event()
        #: Whether to log for how long no daemon listened before this one: with a bus that sends nothing again.
        self.names_gap = False
        #: Called after each heartbeat with whether this daemon comes first among those that are alive.
        self.on_place: Callable[[bool], None] = lambda is_first: None
        #: A restarted daemon has another name, so that its predecessor is missed until it has taken its place.
        self._daemon = secrets.token_hex(6)

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def hurry(self) -> None:
        """Send the next heartbeat now: the broker is back, which pages should show at once."""
        self._due.set()

    def stop(self) -> None:
        """Announce that this daemon stops, so that its silence is not taken for its death, and end the thread."""
        self._stopped.set()
        self._due.set()
        self._publish(is_last=True)

    def _run(self) -> None:
        started, before = time.monotonic(), self._ages() if self.names_gap else {}
        self._find_place()
        while True:
            self._due.wait(heartbeat.INTERVAL)
            self._due.clear()
            if self._stopped.is_set():
                return
            if before and time.monotonic() - started > TURN:
                self._name_gap(before, time.monotonic() - started)
                before = {}
            passed = threading.Event()
            if not self._pipeline.put(passed.set):
                continue
            while not passed.wait(0.5) and not self._stopped.is_set():
                pass
            if passed.is_set():
                self._publish()
                self._find_place()

    def _find_place(self) -> None:
        """Report whether this daemon comes first, in an order on which all of them agree."""
        alive = {name for name, age in self._ages().items() if age < TURN}
        self.on_place(self._daemon == min({self._daemon, *alive}))

    def _ages(self) -> dict[str, float]:
        try:
            return heartbeat.ages(self._client())
        except redis.RedisError as error:
            log.info("it is not known when another daemon last listened: %s", error)
            return {}

    def _name_gap(self, before: dict[str, float], running: float) -> None:
        """Log for how long no daemon listened before this one, unless another one was heard since the start."""
        gap = min(before.values())
        if all(age >= running for name, age in self._ages().items() if name != self._daemon):
            log.warning(
                "no daemon listened to the bus for %.0f s before this one: what was sent then is missing, unless"
                " HUBS_HISTORY_URL is set; a restart with hubs-hub-standby misses nothing",
                gap,
            )

    def _publish(self, *, is_last: bool = False) -> None:
        try:
            handled_at = self._pipeline.handled_at
            heartbeat.publish(self._client(), self._daemon, handled_at, is_last=is_last, cut_off=self._cut_off())
        except redis.RedisError as error:
            log.warning("the heartbeat was not published: %s", error)
