"""Version tags: a random token per hub and person in the cache, replaced whenever anything about them is committed.

A cached value made of a hub's rows stores the hub's tag, read before the rows. While the cache still has that tag,
no process has committed a change since. A missing tag proves nothing: a new one is stored before the rows are read.
"""

import secrets
from collections.abc import Iterable, Mapping

from hubs.cache import Cache, key_of

#: Lifetime of a tag in seconds; a missing tag costs a database query.
LIFETIME = 86400


def key(kind: str, number: int) -> str:
    """Return the cache key of the version tag of a ``hub`` or a ``user``."""
    return key_of("stamp", kind, number)


class VersionTags:
    """The version tags in ``cache``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def invalidate(self, things: Iterable[tuple[str, int]]) -> None:
        """Replace the tags of hubs and people, such as ``("hub", 7)``."""
        for kind, number in things:
            if not self._cache.set(key(kind, number), _fresh(), LIFETIME):
                self._cache.delete(key(kind, number))

    def ensure(self, keys: Iterable[str], cached: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the tags of ``keys``, given those that are cached; create the missing ones.

        Keys are omitted if the cache is unavailable or another process wins the race.
        """
        tags = {}
        for tag in keys:
            fresh = cached.get(tag) or _fresh()
            # `add`, not `set`: two requests must not replace the tag that the other relies on.
            if tag in cached or self._cache.add(tag, fresh, LIFETIME):
                tags[tag] = fresh
        return tags


def _fresh() -> bytes:
    return secrets.token_hex(8).encode()
