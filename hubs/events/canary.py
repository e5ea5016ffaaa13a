"""The canary: a message that takes the whole way once a minute and leaves no trace.

The daemon publishes it on the bus, receives it like any other message, and passes it through its pipeline and a build
thread to Redis. The loop of an event server confirms it there. It is neither stored nor counted nor shown, and no
outbox row exists from which another bus could be told.
"""

from typing import cast

import redis

from hubs.events.heartbeat import age_of

#: The name of its topic, the Redis channel to the event servers, and the seconds between two of them.
TOPIC, CHANNEL, INTERVAL = "hubs.canary", "hubs:canary", 60.0
#: Seconds after which the last one that came back is too old.
LATE = 90.0
_LAST, _REMEMBERED = "hubs:canary:last", 86_400
_CONFIRMED, _WAIT = "hubs:canary:confirmed:", 60
#: Longest name of a canary; anybody may publish on the channel's bus.
LONGEST = 64


def publish(client: redis.Redis, name: str) -> None:
    """Send the canary ``name`` to the event servers."""
    client.publish(CHANNEL, name)


def confirm(client: redis.Redis, name: str) -> None:
    """Record that an event server received the canary ``name``."""
    client.set(f"{_CONFIRMED}{name[:LONGEST]}", 1, ex=_WAIT)


def is_confirmed(client: redis.Redis, name: str) -> bool:
    """Return whether an event server received the canary ``name``."""
    return bool(client.exists(f"{_CONFIRMED}{name}"))


def record(client: redis.Redis, seconds: float) -> None:
    """Record that a canary came back after ``seconds``."""
    client.set(_LAST, f"{seconds:.3f}", ex=_REMEMBERED)


def last(client: redis.Redis) -> tuple[float, float] | None:
    """Return the seconds since a canary came back, and how long it took; None if none did within a day."""
    age = age_of(client, _LAST, _REMEMBERED)
    seconds = cast("bytes | None", client.get(_LAST))
    return None if age is None or seconds is None else (age, float(seconds))
