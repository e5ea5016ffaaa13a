"""One Redis subscription per eventsource process; every event is read and encoded once, whoever listens."""

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import redis

from hubs.events import heartbeat, viewers
from hubs.events.log import PREFIX, EventLog
from hubs.events.message import Event, decode, encode, number_of
from hubs.events.revocations import CONTROL

log = logging.getLogger(__name__)

#: Seconds between two tries while Redis is unavailable; of silence after which it is sent a ping, and after which
#: a connection on which nothing came, not even the ping's reply, is given up: it may be half-open.
RETRY, SILENCE, DEAD = 0.5, 4.0, 8.0
#: Seconds between two looks for channels that somebody has begun to hear.
LOOK = 0.5


class Listener(Protocol):
    """What the broker tells about."""

    def broadcast(self, channel: str, number: int, payload: bytes) -> None:
        """Send an event to all who hear ``channel``."""

    def end(self, scope: str, moment: float) -> None:
        """End the streams whose tokens name ``scope`` and were issued until ``moment``."""

    def end_all(self) -> None:
        """End all streams: something may have been missed."""

    def heartbeat(self, handled_at: float | None) -> None:
        """Note a heartbeat of the daemon, with the time of the newest message that it has handled."""


class RedisSubscriber:
    """Subscribes to all channels in a thread of its own and passes on what comes."""

    def __init__(self, stream: EventLog, listener: Listener) -> None:
        self._stream, self._listener = stream, listener
        self._stopping = False
        #: Set while the subscription stands: only then does a registered reader miss nothing.
        self.up = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="broker", daemon=True).start()

    def stop(self) -> None:
        """End the thread at its next wake-up."""
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                log.warning("Redis does not answer: %s", error)
            if self.up.is_set():
                self.up.clear()
                # Events may have been missed: readers reconnect with the id of their last event.
                self._listener.end_all()
            time.sleep(RETRY)

    def _listen(self) -> None:
        with self._stream.client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.psubscribe(f"{PREFIX}*")
            subscription.subscribe(CONTROL, heartbeat.CHANNEL)
            heard = asked = time.monotonic()
            while not self._stopping:
                found = subscription.get_message(timeout=1.0)
                if found is None:
                    silent = time.monotonic() - heard
                    if silent > DEAD:
                        raise redis.ConnectionError(f"nothing came for {silent:.0f} seconds")
                    if silent > SILENCE and asked <= heard:
                        subscription.ping()
                        asked = time.monotonic()
                    continue
                heard = time.monotonic()
                if found["type"] == "subscribe":
                    self.up.set()
                elif found["type"] == "pmessage":
                    self._pass_on(found["channel"].decode().removeprefix(PREFIX), found["data"])
                elif found["type"] == "message" and found["channel"] == heartbeat.CHANNEL.encode():
                    self._beat(found["data"])
                elif found["type"] == "message":
                    self._handle_control(found["data"])

    def _pass_on(self, channel: str, payload: bytes) -> None:
        try:
            event = decode(payload, channel)
        except ValueError as error:
            log.warning("what came on %s is no event: %s", channel, error)
            return
        self._listener.broadcast(channel, number_of(event.id), encode(event))

    def _beat(self, payload: bytes) -> None:
        try:
            self._listener.heartbeat(heartbeat.handled_at(payload))
        except ValueError as error:
            log.warning("what came on %s is not a heartbeat: %s", heartbeat.CHANNEL, error)

    def _handle_control(self, payload: bytes) -> None:
        try:
            command = json.loads(payload)
            for scope in command["revoked"]:
                self._listener.end(str(scope), float(command["moment"]))
        except (ValueError, TypeError, KeyError) as error:
            log.warning("what came on %s is no command: %r", CONTROL, error)


class PresenceReporter:
    """Tells Redis, in a thread of its own, which channels the readers of this process hear."""

    def __init__(self, stream: EventLog, fresh: Callable[[], list[str]], heard: Callable[[], list[str]]) -> None:
        self._stream, self._fresh, self._heard = stream, fresh, heard
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="announcer", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def _run(self) -> None:
        again = 0.0
        while not self._stopping.wait(LOOK):
            channels = self._fresh()
            if time.monotonic() >= again:
                channels, again = self._heard(), time.monotonic() + viewers.REFRESH
            try:
                viewers.announce(self._stream.client, channels)
            except redis.RedisError as error:
                again = 0.0
                log.warning("who watches what could not be told, Redis does not answer: %s", error)


def replay(events: list[Event], cursor: str) -> tuple[bytes, int]:
    """Return the bytes of the events logged after ``cursor``, and the number up to which the reader has everything."""
    return b"".join(map(encode, events)), number_of(events[-1].id if events else cursor)
