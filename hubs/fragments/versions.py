"""Version tags: a random token per hub and person in the cache, replaced whenever anything about them is committed.

A cached value made of a hub's rows stores the hub's tag, read before the rows. While the cache still has that tag,
no process has committed a change since. A missing tag proves nothing: a new one is stored before the rows are read.

The ``content`` of a hub has a tag of its own, which is replaced after each of its fragments that is stored or removed.
It spares reading all fragments of a page to find out that none of them is new. `ANYTHING` has one for what is made of
many hubs and people.
"""

import secrets
from collections.abc import Iterable, Mapping

from hubs.cache import Cache, key_of, put

#: Lifetime of a tag in seconds; a missing tag costs a database query.
LIFETIME = 86400
#: What has the tag that is replaced after each commit that concerns any hub or person.
ANYTHING = ("anything", 0)


def key(kind: str, number: int) -> str:
    """Return the cache key of the version tag of a ``hub``, of the ``content`` of one, or of a ``user``."""
    return key_of("stamp", kind, number)


class VersionTags:
    """The version tags in ``cache``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def invalidate(self, things: Iterable[tuple[str, int]]) -> bool:
        """Replace the tags of hubs and people, such as ``("hub", 7)``; return whether none of the old ones is left."""
        # One that cannot be replaced keeps none of the others.
        replaced = [put(self._cache, key(kind, number), _fresh(), LIFETIME) for kind, number in things]
        return all(replaced)

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
