"""The heartbeat, which takes the same way as an update: daemon, Redis, event server, page.

The daemon publishes it after its pipeline has handled everything that arrived before. So a page that receives it has
been sent everything received until then, apart from widgets that are still being built.
"""

import json
import math
from datetime import datetime
from typing import Any

import redis

#: The Redis channel, and the seconds between two heartbeats.
CHANNEL, INTERVAL = "hubs:heartbeat", 3.0
#: Seconds without a heartbeat after which updates count as late.
LATE = 10.0


def publish(client: redis.Redis, handled_at: datetime | None) -> None:
    """Publish a heartbeat with the time at which the newest handled message was received.

    :raises redis.RedisError: when Redis does not answer.
    """
    client.publish(CHANNEL, json.dumps({"handled_at": handled_at.timestamp() if handled_at else None}))


def handled_at(payload: bytes) -> float | None:
    """Return the time of the newest handled message from a heartbeat, in seconds since 1970.

    :raises ValueError: when the payload is not a heartbeat.
    """
    fields: Any = json.loads(payload)
    if not isinstance(fields, dict):
        raise ValueError("not a heartbeat")
    moment = fields.get("handled_at")
    if moment is None:
        return None
    if isinstance(moment, bool) or not isinstance(moment, (int, float)) or not math.isfinite(moment):
        raise ValueError("not a time")
    return float(moment)
