"""The cache of fragments and widget data: memcached in production, a SQLite file by default.

Values are bytes. An unavailable, slow or full cache costs speed, never an answer: methods then act as if nothing was
stored.
"""

import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from pymemcache.exceptions import MemcacheError

from hubs import memcached

log = logging.getLogger(__name__)

#: Largest value in bytes; memcached's own limit is 1 MiB with the key and its header.
LIMIT = 1_000_000


class Cache(Protocol):
    """The interface of all caches. Keys are ASCII without spaces, at most 250 bytes; lifetimes are whole seconds."""

    def get(self, key: str) -> bytes | None:
        """Return the value, or None."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that have a value, in one round trip."""

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store the value for ``ttl`` seconds; return whether it was stored."""

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store the value unless the key has one: True if stored, False if not, None if the cache is unavailable."""

    def delete(self, *keys: str) -> bool:
        """Remove entries, in one round trip; return whether all of them are certainly gone."""

    def close(self) -> None:
        """Close open connections."""


def connect(url: str) -> Cache:
    """Return the cache at ``url``: ``memcached://host:port,…``, ``sqlite:///path`` or ``null://``."""
    parts = urlsplit(url)
    if parts.scheme == "memcached":
        return MemcachedCache(parts.netloc.split(","))
    if parts.scheme == "sqlite":
        return SQLiteCache(Path(url.removeprefix("sqlite:///")))
    return NullCache()


def put(cache: Cache, key: str, value: bytes, ttl: int) -> bool:
    """Store a value, or at least remove the previous one; return whether that one is certainly gone.

    A server that was merely slow, or a connection that was reset, leaves the previous value in place. Whoever replaced
    it must then try again, since nobody else knows that it is outdated.
    """
    return cache.set(key, value, ttl) or cache.delete(key)


def key_of(*parts: object) -> str:
    """Return a cache key: the joined parts, or their hash if they are too long or not plain ASCII."""
    key = ":".join(str(part) for part in parts)
    if len(key) <= 200 and key.isascii() and key.isprintable() and " " not in key:
        return key
    return f"{parts[0]}:{hashlib.sha256(key.encode()).hexdigest()}"


class NullCache:
    """Stores nothing."""

    def get(self, key: str) -> bytes | None:
        """Return None."""
        return None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return nothing."""
        return {}

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store nothing."""
        return False

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Return None: nothing is ever stored."""
        return None

    def delete(self, *keys: str) -> bool:
        """Return True: there is never an entry."""
        return True

    def close(self) -> None:
        """Do nothing."""


class MemcachedCache:
    """memcached behind ``HashClient``; one pool of connections per process, also after a fork."""

    def __init__(self, servers: list[str]) -> None:
        self.servers = servers
        self._lock = threading.Lock()
        self._client: memcached.Client | None = None
        self._pid = 0

    def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        try:
            value = self._connected().get(key)
        except (MemcacheError, OSError) as error:
            log.warning("cache does not answer: %s", error)
            return None
        return value if isinstance(value, bytes) else None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that have a value, in one round trip."""
        try:
            values = self._connected().get_many(list(keys))
        except (MemcacheError, OSError) as error:
            log.warning("cache does not answer: %s", error)
            return {}
        return {key: value for key, value in values.items() if isinstance(value, bytes)}

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store the value for ``ttl`` seconds; return whether it was stored."""
        if len(value) > LIMIT:
            log.warning("%s is too large for the cache: %d bytes", key, len(value))
            return False
        try:
            return bool(self._connected().set(key, value, expire=ttl))
        except (MemcacheError, OSError) as error:
            log.warning("cache stores nothing: %s", error)
            return False

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store the value unless the key has one: True if stored, False if not, None if the cache is unavailable."""
        try:
            if self._connected().add(key, value, expire=ttl):
                return True
        except (MemcacheError, OSError) as error:
            log.warning("cache stores nothing: %s", error)
            return None
        # pymemcache returns False both for "has one" and for "server is down"; a read tells them apart.
        return False if self.get(key) is not None else None

    def delete(self, *keys: str) -> bool:
        """Remove entries, in one round trip; return whether all of them are certainly gone."""
        # pymemcache's `delete` returns False both for a missing entry and for a server that is down. An entry that
        # has expired already is as good as none, and storing it is confirmed.
        try:
            return self._connected().set_all(dict.fromkeys(keys, b""), expire=-1)
        except (MemcacheError, OSError) as error:
            log.warning("cache deletes nothing: %s", error)
            return False

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._client is not None and self._pid == os.getpid():
                self._client.close()
            self._client = None

    def _connected(self) -> memcached.Client:
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client, self._pid = memcached.connect(self.servers), os.getpid()
            return self._client


class SQLiteCache:
    """One table in a SQLite file in WAL mode; a connection per thread; a damaged file is created again."""

    #: Writes between two removals of expired entries.
    PURGE_EVERY = 500

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._writes = 0

    def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that have a value, in one query."""
        names = list(keys)
        marks = ",".join("?" * len(names))
        query = f"SELECT key, value FROM cache WHERE key IN ({marks}) AND expires > ?"  # noqa: S608 - only marks
        rows = self._run(query, [*names, time.time()])
        return dict(cast("list[tuple[str, bytes]]", rows or []))

    def set(self, key: str, value: bytes, ttl: int) -> bool:
        """Store the value for ``ttl`` seconds; return whether it was stored."""
        if len(value) > LIMIT:
            log.warning("%s is too large for the cache: %d bytes", key, len(value))
            return False
        self._purge()
        return self._run("INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", [key, value, time.time() + ttl]) is not None

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        """Store the value unless the key has one: True if stored, False if not, None if the cache is unavailable."""
        now = time.time()
        rows = self._run(
            "INSERT INTO cache VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value,"
            " expires=excluded.expires WHERE cache.expires <= ? RETURNING key",
            [key, value, now + ttl, now],
        )
        return None if rows is None else bool(rows)

    def delete(self, *keys: str) -> bool:
        """Remove entries, in one statement; return whether all of them are certainly gone."""
        marks = ",".join("?" * len(keys))
        return self._run(f"DELETE FROM cache WHERE key IN ({marks})", [*keys]) is not None  # noqa: S608

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._local.pid == os.getpid():
            connection.close()
        self._local.connection = None

    def _purge(self) -> None:
        self._writes += 1
        if self._writes % self.PURGE_EVERY == 0:
            self._run("DELETE FROM cache WHERE expires <= ?", [time.time()])

    def _run(self, statement: str, values: list[Any]) -> list[Any] | None:
        """Return the rows, or None if the file cannot be used."""
        try:
            return self._connected().execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:  # busy, disk full, folder gone
            log.warning("cache does not answer: %s", error)
        except sqlite3.DatabaseError as error:
            log.warning("cache file %s is damaged (%s); it is created again", self.path, error)
            self._discard()
        return None

    def _discard(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def _connected(self) -> sqlite3.Connection:
        local = self._local
        if getattr(local, "connection", None) is None or local.pid != os.getpid():
            local.connection, local.pid = self._connect(), os.getpid()
        return cast("sqlite3.Connection", local.connection)

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
        connection = sqlite3.connect(self.path, timeout=2, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")  # a lost entry is a miss
        connection.execute("CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value BLOB, expires REAL)")
        return connection
