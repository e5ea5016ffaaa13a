"""Signs cache entries, so that a cache whose contents somebody else can change costs speed and never an answer.

A signature covers the entry's key as well: a valid entry cannot be copied to another key.
"""

import hmac
import logging
from collections.abc import Iterable

from hubs.cache import Cache
from hubs.settings.secret_key import all_keys

log = logging.getLogger(__name__)

#: Length in bytes of the signature at the beginning of an entry.
SIGNATURE = 32
#: Keeps signatures apart from other uses of the instance's key.
_DOMAIN = b"hubs.cache\0"


class SignedCache:
    """A cache that returns only what this instance stored in ``cache`` under the same key."""

    def __init__(self, cache: Cache, secret: bytes) -> None:
        self._cache, self._keys = cache, all_keys(secret)

    def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        return self.verify(key, self._cache.get(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that have a value, in one round trip."""
        values = {key: self.verify(key, entry) for key, entry in self._cache.get_many(keys).items()}
        return {key: value for key, value in values.items() if value is not None}

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store the value for ``ttl`` seconds; return whether it was stored."""
        return self._cache.set(key, self.signature(key, value) + value, ttl)

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store the value unless the key has one: True if stored, False if not, None if the cache is unavailable."""
        return self._cache.add(key, self.signature(key, value) + value, ttl)

    def delete(self, *keys: str) -> bool:
        """Remove entries; return whether all of them are certainly gone."""
        return self._cache.delete(*keys)

    def close(self) -> None:
        """Close open connections."""
        self._cache.close()

    def verify(self, key: str, entry: bytes | None) -> bytes | None:
        """Return the value in an entry of the underlying cache; None if it is missing or its signature is wrong."""
        if entry is None:
            return None
        value = entry[SIGNATURE:]
        if not self.is_signed(key, value, entry[:SIGNATURE]):
            log.warning("the cache entry %s is foreign or damaged and is ignored", key)
            return None
        return value

    def signature(self, key: str, value: bytes) -> bytes:
        """Return the signature of a value under a key."""
        return hmac.digest(self._keys[0], _signed_text(key, value), "sha256")

    def is_signed(self, key: str, value: bytes, signature: bytes) -> bool:
        """Return whether a signature of a value under a key is by the current or a former key of the instance."""
        text = _signed_text(key, value)
        return any(hmac.compare_digest(signature, hmac.digest(secret, text, "sha256")) for secret in self._keys)


def _signed_text(key: str, value: bytes) -> bytes:
    return b"%s%s\0%s" % (_DOMAIN, key.encode(), value)
