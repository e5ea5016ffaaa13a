"""Build locks: one builder per widget over all processes that share the cache.

A lock has a time-to-live, so a crashed builder cannot block others for long. Builds are limited to less than that; a
build that still overruns finds its lock expired and stores nothing. The lock also names its process, so that a killed
builder's lock expires at once on the same machine.

The reply of the cache can be lost: then nobody knows whether the lock was stored or released. A lock that names this
process and is not held by it is therefore void, and a release that was not confirmed is repeated.
"""

import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from pathlib import Path

from hubs.cache import Cache

#: Seconds between two attempts to release locks while the cache does not answer.
AGAIN = 1.5
#: The owners of all locks that builders of this process hold.
_held: set[bytes] = set()


class BuildLock:
    """A lock returned by `acquire`; valid until `release` or until its time-to-live has passed."""

    def __init__(self, cache: Cache, key: str, owner: bytes, until: float, clock: Callable[[], float]) -> None:
        self._cache, self._key, self._owner, self._until, self._clock = cache, key, owner, until, clock

    def is_held(self) -> bool:
        """Return whether the lock is ours. A lock that the cache lost (evicted, restarted) is ours until it expires."""
        owner = self._cache.get(self._key)
        return owner == self._owner or (owner is None and not self.is_over())

    def is_over(self) -> bool:
        """Return whether the time-to-live has passed."""
        return self._clock() >= self._until

    def release(self) -> None:
        """Release the lock unless another builder has taken over; do so later if the cache does not answer now."""
        _held.discard(self._owner)
        if not self.is_released():
            _late.add(self)

    def is_released(self) -> bool:
        """Release the lock; return whether the cache confirmed that it is not ours any more."""
        owner = self._cache.get(self._key)
        if owner is None:  # gone, or there was no answer: only storing it again can tell
            if self._cache.add(self._key, self._owner, math.ceil(AGAIN)) is False:
                return True
            owner = self._owner
        return owner != self._owner or self._cache.delete(self._key)


class _LateReleases:
    """Releases locks once the cache answers again, in a thread that lives as long as there are any."""

    def __init__(self) -> None:
        self._changed = threading.Lock()
        self._locks: list[BuildLock] = []

    def add(self, lock: BuildLock) -> None:
        """Release a lock later."""
        with self._changed:
            self._locks.append(lock)
            if len(self._locks) == 1:
                threading.Thread(target=self._run, name="late-releases", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(AGAIN)
            with self._changed:
                locks = list(self._locks)
            remaining = [lock for lock in locks if not lock.is_over() and not lock.is_released()]
            with self._changed:
                self._locks = remaining + self._locks[len(locks) :]
                if not self._locks:
                    return


_late = _LateReleases()


def acquire(cache: Cache, key: str, ttl: int, clock: Callable[[], float] = time.time) -> BuildLock | None:
    """Acquire the lock; None if another builder has it. Every builder gets one while the cache is unavailable."""
    now = clock()
    owner = f"{now:.3f} {secrets.token_hex(8)} {os.getpid()} {_place()}".encode()
    _held.add(owner)
    if _take(cache, key, owner, ttl):
        return BuildLock(cache, key, owner, now + ttl, clock)
    _held.discard(owner)
    return None


def _take(cache: Cache, key: str, owner: bytes, ttl: int) -> bool:
    # None, an unavailable cache, counts as acquired: building twice is better than not at all.
    if cache.add(key, owner, ttl) is not False:
        return True
    holder = cache.get(key)
    if holder == owner:  # it was stored, and only the reply was lost
        return True
    if not _is_dead(holder):
        return False
    # Two waiters may both find the owner dead; `add` lets only the first of them in.
    cache.delete(key)
    return cache.add(key, owner, ttl) is not False


def age(cache: Cache, key: str) -> float | None:
    """Return for how many seconds a build has been running; None if there is no build."""
    owner = cache.get(key)
    if owner is None or _is_dead(owner):
        return None
    try:
        return max(0.0, time.time() - float(owner.split(b" ")[0]))
    except ValueError:
        return 0.0


@once
def _place() -> str:
    """Return the host and PID namespace; process ids are comparable where both are equal."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()}/{space}".replace(" ", "_")


def _is_dead(owner: bytes | None) -> bool:
    """Return whether the owner's build has ended: in this process, or with its process on this machine.

    False if it cannot be known.
    """
    parts = (owner or b"").decode(errors="replace").split(" ")
    if len(parts) != 4 or parts[3] != _place() or not parts[2].isdecimal() or len(parts[2]) > 9 or int(parts[2]) == 0:
        return False
    if int(parts[2]) == os.getpid():
        return owner not in _held
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs as another user
        return False
    return False
