"""Sends a canary through the whole path once a minute, and measures how long it takes."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Protocol

import redis

from hubs.bus import Message
from hubs.events import canary
from hubs.fragments.thread_pool import BoundedThreadPool

log = logging.getLogger(__name__)

#: Seconds for which each part of the path is waited for, and between two looks for the confirmation.
PATIENCE, POLL = 25.0, 0.05
#: Seconds until the first one, by when the bus is connected.
FIRST = 2.0


class _Publishes(Protocol):
    def publish(self, topic: str, body: dict[str, str]) -> None:
        """Queue a message for the bus."""


class CanarySender:
    """Sends canaries in a thread of its own; `returned` must be called with those that come back over the bus."""

    def __init__(
        self,
        publisher: _Publishes | None,
        put: Callable[[Callable[[], None]], bool],
        pool: BoundedThreadPool,
        client: Callable[[], redis.Redis],
    ) -> None:
        """Without a ``publisher``, since there is no bus, canaries begin in the pipeline with ``put``."""
        self._publisher, self._put, self._pool, self._client = publisher, put, pool, client
        self._stopped, self._passed = threading.Event(), threading.Event()
        self._name = ""

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="canary", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def returned(self, message: Message) -> None:
        """Continue with our own canary; those of other daemons and instances are ignored."""
        if self._name and message.body.get("name") == self._name:
            self._passed.set()

    def _run(self) -> None:
        wait = FIRST
        while not self._stopped.wait(wait):
            started = time.monotonic()
            try:
                if (missing := self.send()) and not self._stopped.is_set():
                    log.warning("the canary did not come back: %s", missing)
            except redis.RedisError as error:
                log.warning("the canary did not come back, Redis does not answer: %s", error)
            wait = max(1.0, canary.INTERVAL - (time.monotonic() - started))

    def send(self) -> str:
        """Send one canary; return where it got lost, or an empty text."""
        self._passed.clear()
        self._name, started = secrets.token_hex(12), time.monotonic()
        if self._publisher is not None:
            self._publisher.publish(canary.TOPIC, {"name": self._name})
        else:
            self._put(self._passed.set)
        if not self._passed.wait(PATIENCE):
            return "it did not return from the bus, or the pipeline is stuck"
        published = threading.Event()
        end = time.monotonic() + PATIENCE
        while not self._pool.start("canary", lambda: self._push(published), lambda: None):
            if time.monotonic() > end or self._stopped.wait(POLL):
                return "no build thread is free"
        if not published.wait(max(0.0, end - time.monotonic())):
            return "it was not published to Redis"
        while not canary.is_confirmed(self._client(), self._name):
            if time.monotonic() > end or self._stopped.wait(POLL):
                return "no event server received it"
        canary.record(self._client(), time.monotonic() - started)
        return ""

    def _push(self, published: threading.Event) -> None:
        try:
            canary.publish(self._client(), self._name)
        except redis.RedisError as error:
            log.warning("the canary was not published, Redis does not answer: %s", error)
        else:
            published.set()
