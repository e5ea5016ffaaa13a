"""Stamps: for each hub and each person a text in the shared cache that changes with everything about them.

Who keeps something made of a hub's rows keeps the hub's stamp beside it, read before the rows. While the cache still
has that stamp, nothing was committed since, in whatever process. A stamp that is not there tells nothing: a new one is
put there before the rows are read.
"""

import secrets
from collections.abc import Iterable, Mapping

from hubs.cache import Cache, key_of

#: Seconds for which a stamp is kept; one that is gone costs a look into the database.
LIFETIME = 86400


def key(kind: str, number: int) -> str:
    """Spell the cache key of the stamp of a ``hub`` or a ``user``."""
    return key_of("stamp", kind, number)


class VersionTags:
    """The stamps in ``cache``."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def bump(self, things: Iterable[tuple[str, int]]) -> None:
        """Change the stamps of hubs and people, such as ``("hub", 7)``."""
        for kind, number in things:
            if not self._cache.set(key(kind, number), _fresh(), LIFETIME):
                self._cache.delete(key(kind, number))

    def begin(self, keys: Iterable[str], found: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the stamps with ``keys``, given what the cache has of them; make those that are not there.

        What is in nobody's power to make, because the cache does not answer or somebody else was faster, is left out.
        """
        stamps = {}
        for one in keys:
            fresh = found.get(one) or _fresh()
            if one in found or self._cache.add(one, fresh, LIFETIME):
                stamps[one] = fresh
        return stamps


def _fresh() -> bytes:
    return secrets.token_hex(8).encode()
