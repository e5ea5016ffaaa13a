"""Which people are on the pages of a hub now: kept in Redis by the event server processes, each for its own readers.

The stream token of such a page names the channel of its readers (`watch_channel`) and, if the person is
counted, one of the person's own (`person_channel`). Neither carries logged events. Entries are renewed every `REFRESH`
seconds and expire after `LIFETIME`, so those of a killed process disappear; somebody who leaves is counted that long.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

#: Seconds between two announcements of a person, and after which one that is not renewed expires.
REFRESH, LIFETIME = 6.0, 15
#: Ids that are read of one hub and level, of which the first are shown.
SAMPLE = 50
#: The readers who may know of a person: everybody, or people who are signed in. Other people are never counted.
PUBLIC, SIGNED_IN = LEVELS = ("public", "signed-in")
#: Entries in one call, so that Redis is not held up for more than a few milliseconds.
BATCH = 500
PREFIX = "here:"

# KEYS: the set of each entry. ARGV: now, lifetime, then for each key the id of a person.
_ANNOUNCE = """
local now, lifetime = tonumber(ARGV[1]), tonumber(ARGV[2])
for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + lifetime, ARGV[number + 2])
  redis.call('EXPIRE', key, lifetime)
end
return #KEYS
"""


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
    entries = [_entry(channel) for channel in channels]
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        keys, ids = [key for key, _ in batch], [user_id for _, user_id in batch]
        client.eval(_ANNOUNCE, len(keys), *keys, str(int(time.time())), str(LIFETIME), *ids)


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
    for start in range(0, len(hub_ids), BATCH):
        batch = hub_ids[start : start + BATCH]
        pipe, after = client.pipeline(transaction=False), f"({int(time.time())}"
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
