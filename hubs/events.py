"""Events for browsers: their bounded log in Redis, the tokens that let a reader hear them, and their bytes.

One script appends to the log of a channel, keeps it bounded in length and in bytes, and publishes, so that the order
of ids is the order of delivery. An id is ``<epoch>-<n>``: the epoch changes when Redis lost its data, and ``n`` is the
time in microseconds, moved on where two events share one, so that an id also tells its age.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from hubs import scripts, watching
from hubs.errors import NotAllowed

log = logging.getLogger(__name__)

PREFIX = "hubs:stream:"
CONTROL = "hubs:control"
_EPOCH, _LAST = "hubs:epoch", "hubs:last"
#: Bytes in the log of one channel, and bytes that are replayed to one reader: who missed more fetches what is on the
#: page, which is less.
MOST_LOGGED = MOST_REPLAYED = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the log holds it; ``data`` is JSON text on one line, ``channel`` is where it was published."""

    id: str
    type: str
    data: str
    channel: str = ""


class Missed(Exception):
    """The log cannot tell what a reader missed; the text is the reason that ``reset`` carries."""


def hub_channel(hub_id: int, audience: str, locale: str) -> str:
    """Return the channel on which those fragments of a hub that ``audience`` may see are pushed in one language.

    ``audience`` is a `hubs.models.Visibility`. Whoever may see what is narrower hears the wider channels as well.
    """
    return f"hub:{hub_id}:{audience}:{locale}"


def user_channel(user_id: int) -> str:
    """Return the channel that only one person hears."""
    return f"user:{user_id}"


def encode(event: Event) -> bytes:
    """Return the event in the format of ``text/event-stream``.

    The field ``channel`` is ours, for who reads one stream for several pages; others leave out what they do not know.
    """
    head = (f"id: {event.id}\n" if event.id else "") + (f"channel: {event.channel}\n" if event.channel else "")
    return f"{head}event: {event.type}\ndata: {event.data}\n\n".encode()


def decode(payload: bytes | str, channel: str = "") -> Event:
    """Read an event as Redis delivers it (the format that flask-sse publishes).

    :raises ValueError: when it is not one.
    """
    fields = json.loads(payload)
    if not isinstance(fields, dict) or not isinstance(fields.get("data"), str):
        raise ValueError("not an event")
    if any("\n" in str(fields.get(name, "")) or "\r" in str(fields.get(name, "")) for name in ("id", "type", "data")):
        raise ValueError("a line break would let an event forge another")
    return Event(str(fields.get("id", "")), str(fields.get("type", "message")), fields["data"], channel)


def reset(reason: str) -> Event:
    """Return the event that makes a page fetch anew what it shows."""
    return Event("", "reset", json.dumps({"reason": reason}))


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: the channels that its holder may hear, and since when (seconds since 1970)."""

    channels: tuple[str, ...]
    issued: float


class Tokens:
    """Mints and checks stream tokens: signed, short-lived, naming channels; no look-up anywhere."""

    def __init__(self, key: bytes, ttl: int) -> None:
        self._signer = URLSafeTimedSerializer(key, salt="hubs.stream")
        self._ttl = ttl

    def mint(self, channels: Iterable[str]) -> str:
        """Return a token for ``channels``."""
        return str(self._signer.dumps(list(channels)))

    def read(self, token: str) -> Grant:
        """Return what the token allows.

        :raises NotAllowed: when it is forged, damaged or too old.
        """
        try:
            channels, issued = self._signer.loads(token, max_age=self._ttl, return_timestamp=True)
        except SignatureExpired:
            raise NotAllowed("The stream token is too old: load the page again.") from None
        except (BadSignature, ValueError, TypeError):
            raise NotAllowed("The stream token is not valid: load the page again.") from None
        return Grant(tuple(channels), issued.timestamp())


class Stream:
    """The log of events in Redis; every method survives a Redis that is away."""

    def __init__(self, url: str, length: int = 200, ttl: int = 3600, token_ttl: int = 6 * 3600) -> None:
        self.url, self.length, self.ttl, self.token_ttl = url, length, ttl, token_ttl
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None
        self._pid = 0
        self._owed: set[str] = set()

    @property
    def client(self) -> redis.Redis:
        """The connection pool of this process, made anew after a fork."""
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=0.5)
                self._pid = os.getpid()
            return self._client

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        """Log and publish an event; return its id, or None when Redis is away.

        What Redis did not take is remembered, and those who listen are told to fetch anew once it is back.
        """
        self.settle()
        try:
            return self._append(channel, kind, data)
        except redis.RedisError as error:
            log.warning("event %s for %s waits, Redis does not answer: %s", kind, channel, error)
            self._owed.add(channel)
            return None

    def settle(self) -> None:
        """Send ``reset`` to the channels that lost an event while Redis was away."""
        while self._owed:
            channel = next(iter(self._owed))
            try:
                self._append(channel, "reset", {"reason": "redis"})
            except redis.RedisError:
                return
            self._owed.discard(channel)

    def cursor(self) -> str:
        """Return the id of the newest event of all channels; empty when Redis is away."""
        try:
            found = self.client.eval(scripts.CURSOR, 2, _EPOCH, _LAST, secrets.token_hex(4), _microseconds())
        except redis.RedisError:
            return ""
        return cast("bytes", found).decode()

    def since(self, channels: Sequence[str], cursor: str) -> list[Event]:
        """Return the events of ``channels`` after ``cursor``, oldest first; no more than that leaves Redis.

        :raises Missed: when the log does not reach back, or is not the one that the cursor came from, or when it is
            more than `MOST_REPLAYED` bytes.
        :raises redis.RedisError: when Redis is away.
        """
        epoch, dash, number = cursor.rpartition("-")
        if not dash or not (number.isascii() and number.isdigit()) or len(number) > 18:
            raise Missed("unknown")
        keys = [key for channel in channels for key in (f"hubs:floor:{channel}", f"hubs:log:{channel}")]
        values: list[str | int] = [epoch, number, _microseconds() - self.ttl * 1_000_000, MOST_REPLAYED]
        found = self.client.eval(scripts.SINCE, len(keys) + 2, _EPOCH, _LAST, *keys, *values)
        reason, *logs = cast("list[Any]", found)
        if reason:
            raise Missed(reason.decode())
        events = [decode(entry, channel) for channel, log in zip(channels, logs, strict=True) for entry in log]
        return sorted(events, key=lambda event: number_of(event.id))

    def revoke(self, channel: str) -> None:
        """End the streams that hear a channel, and refuse the tokens that were minted for it until now.

        A person's own channel stands for the person: every token of an account names it.
        """
        try:
            self.client.set(f"hubs:revoked:{channel}", repr(time.time()), ex=self.token_ttl)
            self.client.publish(CONTROL, json.dumps({"revoked": channel}))
        except redis.RedisError as error:
            log.error("streams of %s could not be ended, Redis does not answer: %s", channel, error)

    def is_revoked(self, grant: Grant) -> bool:
        """Tell whether one of the grant's channels was revoked since it was issued."""
        return self.revoked([grant])[0]

    def revoked(self, grants: Sequence[Grant]) -> list[bool]:
        """Tell of each grant whether one of its channels was revoked since it was issued, in one round trip."""
        channels = list(dict.fromkeys(channel for grant in grants for channel in grant.channels))
        values = self.client.mget([f"hubs:revoked:{channel}" for channel in channels] or ["hubs:revoked:"])
        found = dict(zip(channels, cast("list[bytes | None]", values), strict=False))
        times = {channel: float(when) for channel, when in found.items() if when is not None}
        return [any(grant.issued <= times.get(channel, -1.0) for channel in grant.channels) for grant in grants]

    def watched(self, hub_id: int) -> set[str]:
        """Return the locales in which somebody looks at a hub now; empty when nobody does, or when Redis is away.

        It saves work and promises nothing: a page may have been read a moment before its stream is announced. So
        whoever does not render a locale publishes `changed` on its channel instead, and a page that hears it after
        all fetches the fragment.
        """
        return self.watched_many([hub_id])[hub_id]

    def watched_many(self, hub_ids: Sequence[int]) -> dict[int, set[str]]:
        """Return what `watched` tells of each hub, in one round trip."""
        try:
            return watching.watched(self.client, hub_ids)
        except redis.RedisError:
            return {hub_id: set() for hub_id in hub_ids}

    def is_watched(self, hub_id: int) -> bool:
        """Tell whether somebody looks at a hub now, in whatever language."""
        return bool(self.watched(hub_id))

    def changed(self, hub_id: int, audience: str, locale: str, widget_id: int, version: int) -> str | None:
        """Tell those who hear a hub that a widget for ``audience`` changed, without its content; return the event's id.

        For locales that are not rendered because nobody seems to watch them: the log then still knows that a reader
        who comes back has missed something.
        """
        data = {"widget": widget_id, "hub": hub_id, "version": version}
        return self.publish(hub_channel(hub_id, audience, locale), "changed", data)

    def _append(self, channel: str, kind: str, data: dict[str, Any]) -> str:
        event = json.dumps({"type": kind, "data": json.dumps(data, separators=(",", ":"))}, separators=(",", ":"))
        keys = [_EPOCH, _LAST, f"hubs:log:{channel}", f"hubs:floor:{channel}", f"hubs:size:{channel}"]
        values: list[str | int] = [
            PREFIX + channel,
            event[1:],
            _microseconds(),
            secrets.token_hex(4),
            self.length,
            self.ttl,
            MOST_LOGGED,
        ]
        return cast("bytes", self.client.eval(scripts.PUBLISH, len(keys), *keys, *values)).decode()


def number_of(event_id: str) -> int:
    """Return the number in an event's id; 0 where there is none."""
    number = event_id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _microseconds() -> int:
    return int(time.time() * 1_000_000)
