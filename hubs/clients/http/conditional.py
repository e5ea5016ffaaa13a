"""Conditional requests: an answer is remembered with its validators, so that asking again costs nobody a body."""

import hashlib
import json
import zlib
from dataclasses import dataclass

from hubs.cache import Cache, key_of

#: Seconds for which an answer is remembered.
TTL = 2 * 86400


@dataclass(frozen=True)
class Remembered:
    """An answer of before: ``url`` is the address that gave it, after redirects."""

    url: str
    etag: str
    modified: str
    body: bytes

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask for a new answer only."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value and value.isascii() and value.isprintable()}


class Memory:
    """Remembers answers in the cache that all processes share."""

    def __init__(self, cache: Cache, limit: int) -> None:
        self._cache, self._limit = cache, limit

    def find(self, asked: str, secret: bool) -> Remembered | None:
        """Return the last answer to a question; a damaged one is none."""
        entry = self._cache.get(_key(asked, secret))
        if entry is None:
            return None
        head, _, packed = entry.partition(b"\n")
        try:
            url, etag, modified = map(str, json.loads(head))
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(packed, self._limit)
        except (ValueError, TypeError, zlib.error):
            return None
        return Remembered(url, etag, modified, body) if unpacker.eof else None

    def keep(self, asked: str, secret: bool, found: Remembered) -> None:
        """Remember an answer, where it can be asked for conditionally."""
        if found.etag or found.modified:
            head = json.dumps([found.url, found.etag, found.modified]).encode()
            self._cache.set(_key(asked, secret), head + b"\n" + zlib.compress(found.body, 6), TTL)


def _key(asked: str, secret: bool) -> str:
    """Return the key: a response to a request with a token is not used for one without."""
    return key_of("h", hashlib.sha256(f"{secret}\0{asked}".encode()).hexdigest())
