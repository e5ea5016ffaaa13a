"""The log of events for browsers: per channel, in Redis, bounded in length and bytes.

One script appends to the log of a channel, trims it, and publishes, so that the order of ids is the order of delivery.
An id is ``<epoch>-<n>``: the epoch changes when Redis lost its data, and ``n`` is the time in microseconds (increased
if two events share one), so that an id also contains its age.
"""

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import redis

from hubs import logs
from hubs.events import viewers
from hubs.events.connection import EPOCH, LAST, connect
from hubs.events.message import Event, ReplayUnavailable, decode, hub_channel, number_of
from hubs.events.revocations import BATCH, RevocationCopy
from hubs.events.tokens import StreamClaims

log = logging.getLogger(__name__)

PREFIX = "hubs:stream:"
#: Most bytes in the log of one channel, and most that are replayed to one reader: fetching the page again costs less
#: than a longer replay.
MOST_LOGGED = MOST_REPLAYED = 1 << 20


# KEYS: epoch, last, log, trimmed_through, size. ARGV: Redis channel, event as JSON from after its brace, now in µs,
# fresh epoch, length of the log, its lifetime in seconds, its bytes. `trimmed_through` is the number of the newest
# trimmed event.
_PUBLISH = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[4]
  redis.call('SET', KEYS[1], epoch)
end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local n = tonumber(ARGV[3])
if n <= last then n = last + 1 end
local number = string.format('%.0f', n)
redis.call('SET', KEYS[2], number)
local event = '{"id":"' .. epoch .. '-' .. number .. '",' .. ARGV[2]
local length, size = redis.call('LLEN', KEYS[3]), 0
if length > 0 then
  size = tonumber(redis.call('GET', KEYS[5]) or '-1')
  if size < 0 then
    size = 0
    for _, entry in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do size = size + #entry end
  end
end
redis.call('RPUSH', KEYS[3], event)
length, size = length + 1, size + #event
local gone
while length > tonumber(ARGV[5]) or size > tonumber(ARGV[7]) do
  gone = redis.call('LPOP', KEYS[3])
  length, size = length - 1, size - #gone
end
if gone then redis.call('SET', KEYS[4], string.match(gone, '^{"id":"%w+%-(%d+)"'), 'EX', ARGV[6]) end
redis.call('SET', KEYS[5], string.format('%.0f', size), 'EX', ARGV[6])
redis.call('EXPIRE', KEYS[3], ARGV[6])
redis.call('PUBLISH', ARGV[1], event)
return epoch .. '-' .. number
"""

# KEYS: epoch, last, then trimmed_through and log of each channel. ARGV: epoch and number of the cursor, the lowest
# number that is valid, most bytes. Returns the reason why it cannot replay, or '' and a list of events per channel,
# the newest first. Each log is read from its new end only as far as the cursor.
_SINCE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'epoch'} end
local after, room = tonumber(ARGV[2]), tonumber(ARGV[4])
if after > tonumber(redis.call('GET', KEYS[2]) or '0') then return {'unknown'} end
if after < tonumber(ARGV[3]) then return {'too-old'} end
for i = 3, #KEYS, 2 do
  if tonumber(redis.call('GET', KEYS[i]) or '0') > after then return {'too-old'} end
end
local logs = {''}
for i = 4, #KEYS, 2 do
  local events = {}
  local event = redis.call('LINDEX', KEYS[i], -1)
  while event and tonumber(string.match(event, '^{"id":"%w+%-(%d+)"')) > after do
    room = room - #event
    if room < 0 then return {'too-much'} end
    events[#events + 1] = event
    event = redis.call('LINDEX', KEYS[i], -1 - #events)
  end
  logs[#logs + 1] = events
end
return logs
"""

# KEYS: last, then trimmed_through, log and size of each channel. ARGV: lifetime of a log in seconds.
_FORGET = """
local last = redis.call('GET', KEYS[1]) or '0'
for i = 2, #KEYS, 3 do
  if redis.call('LLEN', KEYS[i + 1]) > 0 then
    redis.call('SET', KEYS[i], last, 'EX', ARGV[1])
    redis.call('DEL', KEYS[i + 1], KEYS[i + 2])
  end
end
return last
"""

# KEYS: epoch, last. ARGV: fresh epoch, now in µs.
_CURSOR = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
local last = redis.call('GET', KEYS[2])
if not last then
  last = ARGV[2]
  redis.call('SET', KEYS[2], last)
end
return epoch .. '-' .. last
"""


class EventLog:
    """The log of events in Redis; every method survives an outage of Redis."""

    def __init__(self, url: str, length: int = 200, ttl: int = 3600, token_ttl: int = 6 * 3600) -> None:
        self.url, self.length, self.ttl, self.token_ttl = url, length, ttl, token_ttl
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None
        self._pid = 0
        self._pending_resets: set[str] = set()
        self.revocations = RevocationCopy(lambda: self.client, token_ttl)

    @property
    def client(self) -> redis.Redis:
        """The connection pool of this process, created again after a fork."""
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client = connect(self.url)
                self._pid = os.getpid()
            return self._client

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        """Log and publish an event; return its id, or None if Redis is unavailable.

        A channel whose event Redis did not take gets a ``reset`` once Redis is available again.
        """
        self.flush_resets()
        try:
            number = str(self._append(channel, kind, data), "ascii")
        except redis.RedisError as error:
            log.warning("event %s for %s waits, Redis does not answer: %s", kind, channel, error)
            self._pending_resets.add(channel)
            return None
        logs.trace(log, "event %s %s for %s", number, kind, channel)
        return number

    def is_available(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def flush_resets(self) -> None:
        """Send ``reset`` to the channels that lost an event while Redis was unavailable."""
        while self._pending_resets:
            channel = next(iter(self._pending_resets))
            try:
                self._append(channel, "reset", {"reason": "redis"})
            except redis.RedisError:
                return
            self._pending_resets.discard(channel)

    def cursor(self) -> str:
        """Return the id of the newest event of all channels; empty if Redis is unavailable."""
        try:
            cursor = self.client.eval(_CURSOR, 2, EPOCH, LAST, secrets.token_hex(4), _microseconds())
        except redis.RedisError:
            return ""
        return cast("bytes", cursor).decode()

    def since(self, channels: Sequence[str], cursor: str) -> list[Event]:
        """Return the events of ``channels`` after ``cursor``, oldest first.

        :raises ReplayUnavailable: when the log does not reach back to the cursor, has another epoch, or the replay is
            more than `MOST_REPLAYED` bytes.
        :raises redis.RedisError: if Redis is unavailable.
        """
        epoch, dash, number = cursor.rpartition("-")
        if not dash or not (number.isascii() and number.isdigit()) or len(number) > 18:
            raise ReplayUnavailable("unknown")
        keys = [key for channel in channels for key in (f"hubs:trimmed_through:{channel}", f"hubs:log:{channel}")]
        values: list[str | int] = [epoch, number, _microseconds() - self.ttl * 1_000_000, MOST_REPLAYED]
        reply = self.client.eval(_SINCE, len(keys) + 2, EPOCH, LAST, *keys, *values)
        reason, *logs = cast("list[Any]", reply)
        if reason:
            raise ReplayUnavailable(reason.decode())
        events = [decode(entry, channel) for channel, log in zip(channels, logs, strict=True) for entry in log]
        return sorted(events, key=lambda event: number_of(event.id))

    def revoke(self, *scopes: str, moment: float | None = None) -> bool:
        """End the streams of ``scopes``, refuse tokens issued until ``moment``, and return whether Redis confirmed it.

        A scope is a channel, a hub (``hub:<id>``) or a browser's session. A person's own channel stands for the person:
        every token of an account names it.
        """
        try:
            self.revocations.revoke(scopes, time.time() if moment is None else moment)
        except redis.RedisError as error:
            log.warning("streams of %s are ended later, Redis does not answer: %s", ", ".join(scopes), error)
            return False
        return True

    def forget(self, channels: Sequence[str]) -> bool:
        """Delete the log of ``channels``, so that returning readers fetch the page; return whether Redis did it."""
        try:
            for start in range(0, len(channels), BATCH):
                batch = channels[start : start + BATCH]
                keys = [f"hubs:{kind}:{channel}" for channel in batch for kind in ("trimmed_through", "log", "size")]
                self.client.eval(_FORGET, len(keys) + 1, LAST, *keys, self.ttl)
        except redis.RedisError as error:
            log.warning("the log of %d channels is forgotten later, Redis does not answer: %s", len(channels), error)
            return False
        return True

    def is_revoked(self, claims: StreamClaims) -> bool:
        """Return whether a token was revoked since it was issued."""
        return self.revocations.are_revoked([claims])[0]

    def watched(self, hub_id: int) -> set[str]:
        """Return the locales in which a hub has viewers now; empty without viewers or without Redis.

        This only saves work, since a page may be read shortly before its stream is announced. So code that skips a
        locale publishes `changed` on its channel, and a page that receives it fetches the fragment.
        """
        return self.watched_many([hub_id])[hub_id]

    def watched_many(self, hub_ids: Sequence[int]) -> dict[int, set[str]]:
        """Return `watched` of several hubs, in one round trip."""
        try:
            return viewers.watched(self.client, hub_ids)
        except redis.RedisError:
            return {hub_id: set() for hub_id in hub_ids}

    def is_watched(self, hub_id: int) -> bool:
        """Return whether a hub has viewers now, in any language."""
        return bool(self.watched(hub_id))

    def changed(self, hub_id: int, audience: str, locales: Sequence[str], widget_id: int, version: int) -> None:
        """Publish that a widget for ``audience`` changed, without its content, in one round trip.

        For locales that are not rendered because they have no viewers: the log still records that a returning reader
        has missed something.
        """
        if not locales:
            return
        data = {"widget": widget_id, "hub": hub_id, "version": version}
        channels = [hub_channel(hub_id, audience, locale) for locale in locales]
        self.flush_resets()
        pipe = self.client.pipeline(transaction=False)
        for channel in channels:
            self._append(channel, "changed", data, pipe)
        try:
            pipe.execute()
        except redis.RedisError as error:
            log.warning("event changed for %s waits, Redis does not answer: %s", ", ".join(channels), error)
            self._pending_resets.update(channels)
        else:
            logs.trace(log, "event changed for %s", ", ".join(channels))

    def _append(self, channel: str, kind: str, data: dict[str, Any], client: redis.Redis | None = None) -> Any:
        """Log and publish an event through ``client``, or with a pipeline later; return the reply, which is its id."""
        event = json.dumps({"type": kind, "data": json.dumps(data, separators=(",", ":"))}, separators=(",", ":"))
        keys = [EPOCH, LAST, f"hubs:log:{channel}", f"hubs:trimmed_through:{channel}", f"hubs:size:{channel}"]
        values: list[str | int] = [
            PREFIX + channel,
            event[1:],
            _microseconds(),
            secrets.token_hex(4),
            self.length,
            self.ttl,
            MOST_LOGGED,
        ]
        return (self.client if client is None else client).eval(_PUBLISH, len(keys), *keys, *values)


def _microseconds() -> int:
    return int(time.time() * 1_000_000)
