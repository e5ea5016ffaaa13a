"""Leases of queued widgets: one Redis hash per widget, so that each widget is in the queue at most once.

A task carries a widget id and a lease token. The functions to recompute are in the hash, which collects more requests
while the widget is queued. A task whose token differs from the one in the hash does nothing: it was delivered twice or
too late. A lease ends at ``until``; the next request may then enqueue the widget again.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from typing import cast

import redis

PREFIX, TRIES = "hubs:job:", "hubs:tries:"
#: Seconds that a widget may wait in the queue before it may be enqueued a second time.
QUEUED = 600.0
#: Lifetime in seconds of a widget's hash, and of the attempt count that quarantines a widget.
KEPT, PUNISHED = 7200, 86400

# Fields: token, until, a<number> for functions requested since the build began, r<number> for those being computed.
# KEYS: the hash. ARGV: now, until, a new token, lifetime in seconds, function numbers.
_ENQUEUE = """
for i = 5, #ARGV do redis.call('HSET', KEYS[1], 'a' .. ARGV[i], 1) end
redis.call('HSET', KEYS[1], 'a', 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
local known = redis.call('HGET', KEYS[1], 'until')
if known and tonumber(known) > tonumber(ARGV[1]) and redis.call('HGET', KEYS[1], 'token') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'token', ARGV[3], 'until', ARGV[2])
return 1
"""

# KEYS: the hash. ARGV: the token, until, lifetime in seconds. r<number> fields of a crashed build are returned too.
_ACQUIRE = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return false end
local functions = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind, number = string.sub(name, 1, 1), string.sub(name, 2)
  if name ~= 'token' and name ~= 'until' then
    if kind == 'a' then
      redis.call('HDEL', KEYS[1], name)
      redis.call('HSET', KEYS[1], 'r' .. number, 1)
    end
    if number ~= '' then functions[#functions + 1] = number end
  end
end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return functions
"""

# KEYS: the hash. ARGV: the token, until, a new token. Returns 1 if the widget was requested since the build began.
_COMPLETE = """
if redis.call('HGET', KEYS[1], 'token') == ARGV[3] then return 1 end
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 1) == 'r' then redis.call('HDEL', KEYS[1], name) end
end
redis.call('HSET', KEYS[1], 'token', ARGV[3], 'until', ARGV[2])
return 1
"""

# KEYS: the hash. ARGV: the token, until.
_EXTEND = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
return 1
"""


class QueuedBuilds:
    """The leases; ``client`` returns a Redis client. Every method raises `redis.RedisError` if Redis is unavailable.

    Redis may have done what it did not confirm. So callers can choose new tokens, and repeat a call with the same ones,
    which changes nothing more.
    """

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock

    def enqueue(self, widget: int, stale: Iterable[int], token: str = "") -> str | None:
        """Record a build request; return the token for its task, or None if the widget is queued already.

        ``token`` is the one of a call that was not confirmed.
        """
        now, token = self._clock(), token or new_token()
        return token if self._run(_ENQUEUE, widget, now, now + QUEUED, token, KEPT, *sorted(set(stale))) else None

    def acquire(self, widget: int, lease_token: str, lease: float) -> set[int] | None:
        """Lease a widget for ``lease`` seconds; return the functions to recompute, or None if the token is void.

        Functions that a crashed worker left unfinished are included.
        """
        functions = cast("list[bytes] | None", self._run(_ACQUIRE, widget, lease_token, self._clock() + lease, KEPT))
        return None if functions is None else {int(number) for number in functions}

    def complete(self, widget: int, lease_token: str, token: str = "") -> str | None:
        """End the lease; return a new token if the widget was requested meanwhile and must be enqueued again.

        ``token`` is the new one that a call named which was not confirmed.
        """
        token = token or new_token()
        return token if self._run(_COMPLETE, widget, lease_token, self._clock() + QUEUED, token) else None

    def extend(self, widget: int, lease_token: str, seconds: float = QUEUED) -> bool:
        """Extend the lease to ``seconds`` from now (0 releases it); False if the token is void."""
        return bool(self._run(_EXTEND, widget, lease_token, self._clock() + seconds))

    def record_attempt(self, key: str) -> int:
        """Count an attempt; return the number of consecutive attempts without a result, including this one."""
        pipe = self._client().pipeline(transaction=True)
        pipe.incr(TRIES + key)
        pipe.expire(TRIES + key, PUNISHED)
        return int(pipe.execute()[0])

    def record_result(self, key: str, *, built: bool) -> None:
        """Reset the count of attempts after a build; without one, take back the last attempt only."""
        if built or self._client().decr(TRIES + key) <= 0:
            self._client().delete(TRIES + key)

    def _run(self, script: str, widget: int, *values: float | str) -> object:
        return self._client().eval(script, 1, f"{PREFIX}{widget}", *values)


def new_token() -> str:
    """Return a token for a task."""
    return secrets.token_hex(8)
