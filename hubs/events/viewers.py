"""Which hubs have viewers, and in which languages: kept in Redis by the event server processes.

The daemon renders the languages that have viewers; others are built on demand. Each process announces new channels at
once and all of its channels every `REFRESH` seconds; entries expire after `LIFETIME` seconds. So the set is bounded by
the number of readers, and the entries of a killed process disappear.
"""

from collections.abc import Iterable, Sequence
from typing import cast

import redis

from hubs.events import expiring

#: Seconds between two announcements of a channel, and after which one that is not renewed expires.
REFRESH, LIFETIME = 15.0, 45
_KEY = "hubs:watched:"


def announce(client: redis.Redis, channels: Iterable[str]) -> None:
    """Record that ``channels`` have readers now; channels that are not a hub's are ignored.

    :raises redis.RedisError: if Redis is unavailable.
    """
    # hub:<id>:<audience>:<locale>
    parts = [channel.split(":") for channel in channels if channel.startswith("hub:") and channel.count(":") == 3]
    expiring.renew(client, [(f"{_KEY}{hub_id}", locale) for _, hub_id, _, locale in parts], LIFETIME)


def watched(client: redis.Redis, hub_ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the locales in which each hub has viewers; an empty set for a hub without viewers.

    :raises redis.RedisError: if Redis is unavailable.
    """
    pipe = client.pipeline(transaction=False)
    for hub_id in hub_ids:
        pipe.zrangebyscore(f"{_KEY}{hub_id}", expiring.alive(), "+inf")
    results = cast("list[list[bytes]]", pipe.execute())
    return {hub_id: {locale.decode() for locale in locales} for hub_id, locales in zip(hub_ids, results, strict=True)}
