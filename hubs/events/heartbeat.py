"""The heartbeat, which takes the same way as an update: daemon, Redis, event server, page.

The daemon publishes it after its pipeline has handled everything that arrived before. So a page that receives it has
been sent everything received until then, apart from widgets that are still being built. Each daemon of several has a
name of its own, so that the heartbeat of one does not hide the death of another.
"""

import json
import math
from datetime import datetime
from typing import Any, NamedTuple, cast

import redis

#: The Redis channel, and the seconds between two heartbeats of a daemon. How often pages hear their age is decided in
#: `hubs.backend.eventserver.broadcaster`.
CHANNEL, INTERVAL = "hubs:heartbeat", 3.0
#: Seconds without a heartbeat after which updates count as late.
LATE = 10.0
#: The Redis key that exists while heartbeats came through, and for how many seconds after the last one.
LAST_KEY, REMEMBERED = "hubs:heartbeat:last", 3600
#: The Redis key with the daemons and when each was last alive, by the clock of Redis; how many are remembered.
DAEMONS, MOST_DAEMONS = "hubs:heartbeat:daemons", 20
#: Longest name of a daemon.
_NAME = 64


class Beat(NamedTuple):
    """One heartbeat: the daemon, when its newest handled message was received (since 1970), and whether it stops.

    ``cut_off`` is for how many seconds the daemon has been without its message broker, 0 while it is connected.
    """

    daemon: str
    handled_at: float | None
    is_last: bool = False
    cut_off: float = 0.0


def publish(
    client: redis.Redis, daemon: str, handled_at: datetime | None, *, is_last: bool = False, cut_off: float = 0.0
) -> None:
    """Publish a heartbeat of ``daemon``; ``is_last`` announces that it stops in an orderly way.

    ``cut_off`` is for how many seconds it has been without its message broker.

    :raises redis.RedisError: when Redis does not answer.
    """
    received_at = handled_at.timestamp() if handled_at else None
    fields = {"daemon": daemon, "handled_at": received_at, "last": is_last, "cut_off": round(cut_off, 1)}
    client.publish(CHANNEL, json.dumps(fields))
    client.set(LAST_KEY, daemon, ex=REMEMBERED)
    client.zadd(DAEMONS, {daemon: _clock(client)})
    client.zremrangebyrank(DAEMONS, 0, -MOST_DAEMONS - 1)


def ages(client: redis.Redis) -> dict[str, float]:
    """Return the seconds since the last heartbeat of each daemon, however long ago, by the clock of Redis.

    :raises redis.RedisError: when Redis does not answer.
    """
    moment, known = _clock(client), cast("list[tuple[bytes, float]]", client.zrange(DAEMONS, 0, -1, withscores=True))
    return {name.decode(): moment - last for name, last in known}


def _clock(client: redis.Redis) -> float:
    seconds, microseconds = client.time()
    return seconds + microseconds / 1e6


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
    daemon, moment, cut_off = fields.get("daemon", ""), fields.get("handled_at"), fields.get("cut_off", 0.0)
    if not isinstance(daemon, str) or len(daemon) > _NAME:
        raise ValueError("not the name of a daemon")
    if not (moment is None or _is_number(moment)):
        raise ValueError("not a time")
    if not _is_number(cut_off) or cut_off < 0:
        raise ValueError("not a duration")
    return Beat(daemon, None if moment is None else float(moment), fields.get("last") is True, float(cut_off))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
