"""The heartbeat, which takes the same way as an update: daemon, Redis, event server, page.

The daemon publishes it after its pipeline has handled everything that arrived before. So a page that receives it has
been sent everything received until then, apart from widgets that are still being built. Each daemon of several has a
name of its own, so that the heartbeat of one does not hide the death of another.
"""

import json
import math
from datetime import datetime
from typing import Any, NamedTuple

import redis

#: The Redis channel, and the seconds between two heartbeats.
CHANNEL, INTERVAL = "hubs:heartbeat", 3.0
#: Seconds without a heartbeat after which updates count as late.
LATE = 10.0
#: The Redis key that exists while heartbeats came through, and for how many seconds after the last one.
LAST_KEY, REMEMBERED = "hubs:heartbeat:last", 3600
#: Longest name of a daemon.
_NAME = 64


class Beat(NamedTuple):
    """One heartbeat: the daemon, when its newest handled message was received (since 1970), and whether it stops."""

    daemon: str
    handled_at: float | None
    is_last: bool = False


def publish(client: redis.Redis, daemon: str, handled_at: datetime | None, *, is_last: bool = False) -> None:
    """Publish a heartbeat of ``daemon``; ``is_last`` announces that it stops in an orderly way.

    :raises redis.RedisError: when Redis does not answer.
    """
    fields = {"daemon": daemon, "handled_at": handled_at.timestamp() if handled_at else None, "last": is_last}
    client.publish(CHANNEL, json.dumps(fields))
    client.set(LAST_KEY, daemon, ex=REMEMBERED)


def age(client: redis.Redis) -> float | None:
    """Return the seconds since the last heartbeat of any daemon, by the clock of Redis; None if there was none lately.

    :raises redis.RedisError: when Redis does not answer.
    """
    return age_of(client, LAST_KEY, REMEMBERED)


def age_of(client: redis.Redis, key: str, lifetime: int) -> float | None:
    """Return the seconds since ``key`` was written with ``lifetime``; no clocks of two machines are compared."""
    left = client.pttl(key)
    return None if left < 0 else max(0.0, lifetime - left / 1000)


def decode(payload: bytes) -> Beat:
    """Return the heartbeat in ``payload``.

    :raises ValueError: when it is not a heartbeat.
    """
    fields: Any = json.loads(payload)
    if not isinstance(fields, dict):
        raise ValueError("not a heartbeat")
    daemon, moment = fields.get("daemon", ""), fields.get("handled_at")
    if not isinstance(daemon, str) or len(daemon) > _NAME:
        raise ValueError("not the name of a daemon")
    if isinstance(moment, bool) or not isinstance(moment, (int, float, type(None))):
        raise ValueError("not a time")
    if moment is not None and not math.isfinite(moment):
        raise ValueError("not a time")
    return Beat(daemon, None if moment is None else float(moment), fields.get("last") is True)
