"""Topic families that no reader understands: counted in Redis by the daemons, shown by the health check of the web app.

Such messages are stored and shown with a generic sentence, so nothing fails; the counts make the gap visible.
"""

from collections.abc import Mapping
from typing import cast

import redis

KEY = "hubs:unread"
#: Seconds after the last such message until the counts disappear, and the number of families that are kept.
LIFETIME, FAMILIES = 7 * 86400, 500
#: Longest name of a family in characters; publishers choose them.
NAME = 40


def add(client: redis.Redis, counts: Mapping[str, int]) -> None:
    """Add the numbers of messages by family.

    :raises redis.RedisError: if Redis is unavailable.
    """
    if not counts:
        return
    if client.hlen(KEY) > FAMILIES:  # made-up names must not fill the memory
        client.delete(KEY)
    pipe = client.pipeline(transaction=False)
    for family, count in counts.items():
        pipe.hincrby(KEY, family[:NAME], count)
    pipe.expire(KEY, LIFETIME)
    pipe.execute()


def read(client: redis.Redis, most: int = 20) -> dict[str, int]:
    """Return the numbers of messages of the ``most`` frequent families, the most frequent first.

    :raises redis.RedisError: if Redis is unavailable.
    """
    counts = cast("dict[bytes, bytes]", client.hgetall(KEY))
    rated = sorted(((int(count), family.decode(errors="replace")) for family, count in counts.items()), reverse=True)
    return {family: count for count, family in rated[:most]}
