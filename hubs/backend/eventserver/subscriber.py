"""One Redis subscription per event server process: every event is decoded and encoded once, for all readers."""

import json
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import redis

from hubs.backend.clock import since_boot
from hubs.events import canary, heartbeat, viewers
from hubs.events.log import PREFIX, EventLog
from hubs.events.message import Event, decode, encode, number_of
from hubs.events.revocations import CONTROL

log = logging.getLogger(__name__)

#: Seconds between two attempts while Redis is unavailable.
RETRY = 0.5
#: Seconds of silence after which a ping is sent, and after which the connection is given up: without any data, not even
#: the reply to the ping, it may be half-open. Access must have ended after five seconds, also if Redis answers again by
#: then and the revocation that waited is not the first to arrive.
SILENCE, DEAD = 2.0, 4.5
#: Seconds that one turn waits for data, and by how many it may take longer before what waited counts as too old to be
#: sent: this process stood still (SIGSTOP, a suspended machine), and access may have ended meanwhile.
TURN, STALLED = 1.0, 2.0
#: Seconds between two checks for channels with new readers.
CHECK = 0.5


class Listener(Protocol):
    """Receives what the subscription delivers."""

    def broadcast(self, channel: str, number: int, payload: bytes) -> None:
        """Send an event to all readers of ``channel``."""

    def end(self, scope: str, moment: float) -> None:
        """End the streams whose tokens name ``scope`` and were issued until ``moment``."""

    def end_all(self) -> None:
        """End all streams: events may have been missed."""

    def heartbeat(self, beat: heartbeat.Beat) -> None:
        """Record a heartbeat of a daemon."""

    def call(self, act: Callable[[], None]) -> None:
        """Run ``act`` in the loop, in its turn."""


class RedisSubscriber:
    """Subscribes to all channels in a thread of its own and passes on what arrives."""

    def __init__(self, events: EventLog, listener: Listener) -> None:
        self._events, self._listener = events, listener
        self._stopping = self._has_gap = False
        #: Set while the subscription is active: only then does a registered reader miss nothing.
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
                # Streams stay open: nothing could be served to readers that reconnect now, and they would back off.
                self._has_gap = True
            time.sleep(RETRY)

    def _listen(self) -> None:
        with self._events.client.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.psubscribe(f"{PREFIX}*")
            subscription.subscribe(CONTROL, heartbeat.CHANNEL, canary.CHANNEL)
            received_at = pinged_at = time.monotonic()
            turned_at = since_boot()
            while not self._stopping:
                delivery = subscription.get_message(timeout=TURN)
                turn = since_boot() - turned_at
                turned_at += turn
                if turn > TURN + STALLED:
                    raise redis.ConnectionError(f"this process stood still for {turn:.0f} seconds")
                if delivery is not None:
                    received_at = time.monotonic()
                    self._handle(delivery)
                    continue
                silence = time.monotonic() - received_at
                if silence > DEAD:
                    raise redis.ConnectionError(f"no data for {silence:.0f} seconds")
                if silence > SILENCE and pinged_at <= received_at:
                    # The reply counts as data; sending it again and again would fill a half-open connection's buffer.
                    subscription.ping()
                    pinged_at = time.monotonic()

    def _handle(self, delivery: dict[str, Any]) -> None:
        if delivery["type"] == "subscribe":
            if self._has_gap:
                # Events may have been missed: readers reconnect with the id of their last event. This comes before any
                # event of the new subscription, so that no reader takes that for the next one.
                self._has_gap = False
                # Before anybody reconnects: a change of access during the gap may not be in Redis yet.
                self._events.revocations.doubt()
                self._listener.end_all()
            self.up.set()
        elif delivery["type"] == "pmessage":
            self._pass_on(delivery["channel"].decode().removeprefix(PREFIX), delivery["data"])
        elif delivery["type"] == "message" and delivery["channel"] == heartbeat.CHANNEL.encode():
            self._handle_heartbeat(delivery["data"])
        elif delivery["type"] == "message" and delivery["channel"] == canary.CHANNEL.encode():
            self._listener.call(partial(self._confirm, delivery["data"].decode("ascii", "replace")))
        elif delivery["type"] == "message":
            self._handle_control(delivery["data"])

    def _pass_on(self, channel: str, payload: bytes) -> None:
        try:
            event = decode(payload, channel)
        except ValueError as error:
            log.warning("a message on %s is not an event: %s", channel, error)
            return
        self._listener.broadcast(channel, number_of(event.id), encode(event))

    def _confirm(self, name: str) -> None:
        """Confirm a canary that has passed through the loop; in a thread, since the loop never waits for Redis."""
        threading.Thread(target=self._survive, args=(name,), name="canary", daemon=True).start()

    def _survive(self, name: str) -> None:
        try:
            canary.confirm(self._events.client, name)
        except redis.RedisError as error:
            log.warning("a canary is not confirmed, Redis does not answer: %s", error)

    def _handle_heartbeat(self, payload: bytes) -> None:
        try:
            self._listener.heartbeat(heartbeat.decode(payload))
        except ValueError as error:
            log.warning("a message on %s is not a heartbeat: %s", heartbeat.CHANNEL, error)

    def _handle_control(self, payload: bytes) -> None:
        try:
            command = json.loads(payload)
            for scope in command["revoked"]:
                self._listener.end(str(scope), float(command["moment"]))
        except (ValueError, TypeError, KeyError) as error:
            log.warning("a message on %s is not a command: %r", CONTROL, error)


class ViewerReporter:
    """Writes to Redis, in a thread of its own, which channels have readers in this process.

    New channels are announced within `CHECK` seconds, all of them again every `hubs.events.viewers.REFRESH` seconds.
    """

    def __init__(self, events: EventLog, take_new: Callable[[], list[str]], channels: Callable[[], list[str]]) -> None:
        self._events, self._take_new, self._channels = events, take_new, channels
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="announcer", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def _run(self) -> None:
        refresh_at = 0.0
        while not self._stopping.wait(CHECK):
            channels = self._take_new()
            if time.monotonic() >= refresh_at:
                channels, refresh_at = self._channels(), time.monotonic() + viewers.REFRESH
            try:
                viewers.announce(self._events.client, channels)
            except redis.RedisError as error:
                refresh_at = 0.0  # the new channels are taken already: announce all at the next attempt
                log.warning("the channels with readers could not be announced, Redis does not answer: %s", error)


def replay(events: list[Event], cursor: str) -> tuple[bytes, int]:
    """Return the bytes of the events logged after ``cursor``, and the number of the last event they contain."""
    return b"".join(map(encode, events)), number_of(events[-1].id if events else cursor)
