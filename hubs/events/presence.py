"""Which people are on the pages of a hub now: kept in Redis by the event server processes, each for its own readers.

The stream token of such a page names the channel of its readers (`watch_channel`) and, if the person is
counted, one of the person's own (`person_channel`). Neither carries logged events. Entries are renewed every `REFRESH`
seconds and expire after `LIFETIME`, so those of a killed process disappear; somebody who leaves is counted that long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

from hubs.events import expiring

#: Seconds between two announcements of a person, and after which one that is not renewed expires.
REFRESH, LIFETIME = 6.0, 15
#: Ids that are read of one hub and level, of which the first are shown.
SAMPLE = 50
#: The readers who may know of a person: everybody, or people who are signed in. Other people are never counted.
PUBLIC, SIGNED_IN = LEVELS = ("public", "signed-in")
PREFIX = "here:"


@dataclass(frozen=True, slots=True)
class People:
    """How many people are on a hub's pages, and the ids of up to `SAMPLE` of them."""

    count: int = 0
    ids: tuple[int, ...] = ()


def watch_channel(hub_id: int) -> str:
    """Return the channel of the pages of a hub, whose readers get its presence."""
    return f"{PREFIX}{hub_id}"


def person_channel(hub_id: int, user_id: int, level: str) -> str:
    """Return the channel of a person on a hub, for readers of ``level``, one of `LEVELS`."""
    return f"{PREFIX}{hub_id}:{user_id}:{level}"


def hub_of(channel: str) -> int:
    """Return the hub of one of these channels."""
    return int(channel.split(":")[1])


def is_person(channel: str) -> bool:
    """Return whether a channel is that of a person on a hub."""
    return channel.startswith(PREFIX) and channel.count(":") == 3


def announce(client: redis.Redis, channels: Iterable[str]) -> None:
    """Record that the people of ``channels`` are here now.

    :raises redis.RedisError: if Redis is unavailable.
    """
    expiring.renew(client, [_entry(channel) for channel in channels], LIFETIME)


def withdraw(client: redis.Redis, channels: Iterable[str]) -> None:
    """Remove the people of ``channels`` at once: they lost access, or hide their activity now.

    :raises redis.RedisError: if Redis is unavailable.
    """
    pipe = client.pipeline(transaction=False)
    for key, user_id in map(_entry, channels):
        pipe.zrem(key, user_id)
    pipe.execute()


def read(client: redis.Redis, hub_ids: Sequence[int]) -> dict[int, Mapping[str, People]]:
    """Return the people on the pages of each hub, by level.

    :raises redis.RedisError: if Redis is unavailable.
    """
    present: dict[int, Mapping[str, People]] = {}
    for start in range(0, len(hub_ids), expiring.BATCH):
        batch = hub_ids[start : start + expiring.BATCH]
        pipe, after = client.pipeline(transaction=False), expiring.alive()
        for key in (_key(hub_id, level) for hub_id in batch for level in LEVELS):
            pipe.zcount(key, after, "+inf")
            pipe.zrangebyscore(key, after, "+inf", 0, SAMPLE)
        replies = iter(pipe.execute())
        for hub_id in batch:
            present[hub_id] = {level: _people(next(replies), next(replies)) for level in LEVELS}
    return present


def _people(count: object, ids: object) -> People:
    return People(cast("int", count), tuple(sorted(map(int, cast("list[bytes]", ids)))))


def _entry(channel: str) -> tuple[str, str]:
    _, hub_id, user_id, level = channel.split(":")
    return _key(int(hub_id), level), user_id


def _key(hub_id: int, level: str) -> str:
    return f"hubs:here:{hub_id}:{level}"
