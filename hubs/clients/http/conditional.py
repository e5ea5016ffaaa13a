"""Conditional requests: responses are stored with their validators, so that an unchanged body is not sent again."""

import hashlib
import json
import zlib
from dataclasses import dataclass

from hubs.cache import Cache, key_of

#: Lifetime of a stored response in seconds.
TTL = 2 * 86400


@dataclass(frozen=True)
class StoredResponse:
    """An earlier response; ``url`` is its address after redirects."""

    url: str
    etag: str
    modified: str
    body: bytes

    def conditions(self) -> dict[str, str]:
        """Return the headers of a conditional request."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in conditions.items() if value and value.isascii() and value.isprintable()}


class ResponseCache:
    """Stores responses in the cache that all processes share."""

    def __init__(self, cache: Cache, limit: int) -> None:
        self._cache, self._limit = cache, limit

    def read(self, url: str, secret: bool) -> StoredResponse | None:
        """Return the stored response of an address, or None if it is missing or damaged."""
        entry = self._cache.get(_key(url, secret))
        if entry is None:
            return None
        head, _, packed = entry.partition(b"\n")
        try:
            url, etag, modified = map(str, json.loads(head))
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(packed, self._limit)
        except (ValueError, TypeError, zlib.error):
            return None
        return StoredResponse(url, etag, modified, body) if unpacker.eof else None

    def store(self, url: str, secret: bool, response: StoredResponse) -> None:
        """Store a response if it has a validator."""
        if response.etag or response.modified:
            head = json.dumps([response.url, response.etag, response.modified]).encode()
            self._cache.set(_key(url, secret), head + b"\n" + zlib.compress(response.body, 6), TTL)


def _key(url: str, secret: bool) -> str:
    """Return the cache key. A response to a request with a token must not serve one without."""
    return key_of("h", hashlib.sha256(f"{secret}\0{url}".encode()).hexdigest())
