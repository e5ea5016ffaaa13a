"""Which widgets wait for a worker or are in its hands: one hash per widget in Redis, so that each is queued once.

A task in the queue names a widget and a ticket, nothing more; what must be computed anew stands in the hash, where it
grows while the widget waits. A task whose ticket is no longer the one in the hash does nothing: it was delivered twice,
or came too late. The holder of a ticket has it until ``until``; after that the next who asks may queue the widget anew.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from typing import cast

import redis

PREFIX, TRIES = "hubs:job:", "hubs:tries:"
#: Seconds for which a widget may wait in the queue before it may be queued a second time.
QUEUED = 600.0
#: Seconds after which what is known of a widget is forgotten, and after which one that ended workers is tried again.
KEPT, PUNISHED = 7200, 86400

# In the hash: ticket, until, a<number> for what was asked for since the build began, r<number> for what it computes.
# KEYS: the hash. ARGV: now, until, a new ticket, seconds kept, numbers.
_ASK = """
for i = 5, #ARGV do redis.call('HSET', KEYS[1], 'a' .. ARGV[i], 1) end
redis.call('HSET', KEYS[1], 'a', 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
local known = redis.call('HGET', KEYS[1], 'until')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'ticket', ARGV[3], 'until', ARGV[2])
return 1
"""

# KEYS: the hash. ARGV: the ticket, until, seconds kept.
_BEGIN = """
if redis.call('HGET', KEYS[1], 'ticket') ~= ARGV[1] then return false end
local found = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind, number = string.sub(name, 1, 1), string.sub(name, 2)
  if name ~= 'ticket' and name ~= 'until' then
    if kind == 'a' then
      redis.call('HDEL', KEYS[1], name)
      redis.call('HSET', KEYS[1], 'r' .. number, 1)
    end
    if number ~= '' then found[#found + 1] = number end
  end
end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return found
"""

# KEYS: the hash. ARGV: the ticket, until, a new ticket. The widget was asked for since the build began, or not.
_END = """
if redis.call('HGET', KEYS[1], 'ticket') ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'a') == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(name, 1, 1) == 'r' then redis.call('HDEL', KEYS[1], name) end
end
redis.call('HSET', KEYS[1], 'ticket', ARGV[3], 'until', ARGV[2])
return 1
"""

# KEYS: the hash. ARGV: the ticket, until.
_HOLD = """
if redis.call('HGET', KEYS[1], 'ticket') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
return 1
"""


class QueuedBuilds:
    """The hashes; ``client`` gives a connection to Redis. Every method raises `redis.RedisError` when that is away."""

    def __init__(self, client: Callable[[], redis.Redis], clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock

    def ask(self, widget: int, stale: Iterable[int]) -> str | None:
        """Note that a widget must be built; return the ticket with which to queue it, or None when it is queued."""
        now, ticket = self._clock(), _ticket()
        return ticket if self._run(_ASK, widget, now, now + QUEUED, ticket, KEPT, *sorted(set(stale))) else None

    def begin(self, widget: int, ticket: str, lease: float) -> set[int] | None:
        """Take a widget in hand for at most ``lease`` seconds; return what to compute anew, None when it is not ours.

        Who died with it in hand left its numbers behind: they are among those.
        """
        found = cast("list[bytes] | None", self._run(_BEGIN, widget, ticket, self._clock() + lease, KEPT))
        return None if found is None else {int(number) for number in found}

    def end(self, widget: int, ticket: str) -> str | None:
        """Note that a widget was built; return a new ticket when it was asked for meanwhile and must be queued anew."""
        fresh = _ticket()
        return fresh if self._run(_END, widget, ticket, self._clock() + QUEUED, fresh) else None

    def hold(self, widget: int, ticket: str, seconds: float = QUEUED) -> bool:
        """Keep a widget queued for ``seconds`` from now, or give its place away with 0; False when it is not ours."""
        return bool(self._run(_HOLD, widget, ticket, self._clock() + seconds))

    def begun(self, key: str) -> int:
        """Count a build that begins; return how many began in a row that never came back, with this one."""
        pipe = self._client().pipeline(transaction=True)
        pipe.incr(TRIES + key)
        pipe.expire(TRIES + key, PUNISHED)
        return int(pipe.execute()[0])

    def came_back(self, key: str, *, built: bool) -> None:
        """Forget all builds that did not come back, or, where nothing was built, the last."""
        if built or self._client().decr(TRIES + key) <= 0:
            self._client().delete(TRIES + key)

    def _run(self, script: str, widget: int, *values: float | str) -> object:
        return self._client().eval(script, 1, f"{PREFIX}{widget}", *values)


def _ticket() -> str:
    return secrets.token_hex(8)
