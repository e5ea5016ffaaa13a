"""When each source of messages was last heard: noted in Redis by the daemons, shown by ``hubs doctor``.

Our own messages, which come back over the bus, do not count: they do not show that others are heard.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import redis

KEY = "hubs:sources"
#: Seconds after which a source that is not heard any more is forgotten.
LIFETIME = 30 * 86400


def note(client: redis.Redis, heard: Mapping[str, datetime]) -> None:
    """Note when sources were last heard; several daemons may do so, and the latest moment stays.

    :raises redis.RedisError: if Redis is unavailable.
    """
    known = read(client)
    newer = {name: moment for name, moment in heard.items() if name not in known or moment > known[name]}
    if newer:
        pipe = client.pipeline(transaction=False)
        for name, moment in newer.items():
            pipe.hset(KEY, name, str(moment.timestamp()))
        pipe.expire(KEY, LIFETIME)
        pipe.execute()


def read(client: redis.Redis) -> dict[str, datetime]:
    """Return when each source was last heard.

    :raises redis.RedisError: if Redis is unavailable.
    """
    moments = cast("dict[bytes, bytes]", client.hgetall(KEY))
    return {name.decode(): datetime.fromtimestamp(float(moment), UTC) for name, moment in moments.items()}
