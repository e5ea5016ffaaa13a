"""Sorted sets in Redis whose members expire unless they are renewed, so that those of a killed process disappear.

The score of a member is the time at which it expires, in seconds.
"""

import time
from collections.abc import Sequence

import redis

#: Members in one call, so that Redis is not held up for more than a few milliseconds.
BATCH = 500

# KEYS: the set of each member. ARGV: now, lifetime, then the member for each key.
_RENEW = """
local now, lifetime = tonumber(ARGV[1]), tonumber(ARGV[2])
for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + lifetime, ARGV[number + 2])
  redis.call('EXPIRE', key, lifetime)
end
return #KEYS
"""


def renew(client: redis.Redis, entries: Sequence[tuple[str, str]], lifetime: int) -> None:
    """Keep each member of ``entries``, which are (key, member), for ``lifetime`` seconds from now.

    :raises redis.RedisError: if Redis is unavailable.
    """
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        keys, members = [key for key, _ in batch], [member for _, member in batch]
        client.eval(_RENEW, len(keys), *keys, str(int(time.time())), str(lifetime), *members)


def alive() -> str:
    """Return the lower bound of the scores of members that have not expired yet; the upper one is ``+inf``."""
    return f"({int(time.time())}"
