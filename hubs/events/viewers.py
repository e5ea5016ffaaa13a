"""Which hubs are being looked at, and in which languages: kept in Redis by the eventsource processes.

The daemon renders the languages that somebody watches; the others are built when they are read. Each process writes
what its readers hear when that changes, and all of it again every `REFRESH` seconds; an entry that nobody renews is
gone after `LIFETIME` seconds. So the set is bounded by the readers there are, and a process that died is forgotten.
"""

import time
from collections.abc import Iterable, Sequence
from typing import cast

import redis

#: Seconds between two announcements of the same channel, and after which one that was not renewed is forgotten.
REFRESH, LIFETIME = 15.0, 45
#: Channels in one call, so that Redis is not held up for more than a few milliseconds.
BATCH = 500
_KEY = "hubs:watched:"

# KEYS: the set of each hub. ARGV: now, lifetime, then for each key the locale.
_ANNOUNCE = """
local now, lifetime = tonumber(ARGV[1]), tonumber(ARGV[2])
for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + lifetime, ARGV[number + 2])
  redis.call('EXPIRE', key, lifetime)
end
return #KEYS
"""


def announce(client: redis.Redis, channels: Iterable[str]) -> None:
    """Note that somebody listens to ``channels`` now; those that are no hub's are left out.

    :raises redis.RedisError: if Redis is unavailable.
    """
    # hub:<id>:<audience>:<locale>
    found = [channel.split(":") for channel in channels if channel.startswith("hub:") and channel.count(":") == 3]
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        keys = [f"{_KEY}{one[1]}" for one in batch]
        client.eval(_ANNOUNCE, len(keys), *keys, str(int(time.time())), str(LIFETIME), *(one[3] for one in batch))


def watched(client: redis.Redis, hub_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the locales in which each hub is being looked at; a hub that nobody looks at has an empty set.

    :raises redis.RedisError: if Redis is unavailable.
    """
    pipe = client.pipeline(transaction=False)
    for hub_id in hub_ids:
        pipe.zrangebyscore(f"{_KEY}{hub_id}", f"({int(time.time())}", "+inf")
    found = cast("list[list[bytes]]", pipe.execute())
    return {hub_id: {locale.decode() for locale in locales} for hub_id, locales in zip(hub_ids, found, strict=True)}
