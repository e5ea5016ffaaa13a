"""Build locks: one builder per widget over all processes that share the cache.

A lock has a time-to-live, so a crashed builder cannot block others for long. Builds are limited to less than that; a
build that still overruns finds its lock expired and stores nothing. The lock also names its process, so that a killed
builder's lock expires at once on the same machine.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from pathlib import Path

from hubs.cache import Cache


class BuildLock:
    """A lock returned by `acquire`; valid until `release` or until its time-to-live has passed."""

    def __init__(self, cache: Cache, key: str, owner: bytes, until: float, clock: Callable[[], float]) -> None:
        self._cache, self._key, self._owner, self._until, self._clock = cache, key, owner, until, clock

    def is_held(self) -> bool:
        """Return whether the lock is ours. A lock that the cache lost (evicted, restarted) is ours until it expires."""
        owner = self._cache.get(self._key)
        return owner == self._owner or (owner is None and self._clock() < self._until)

    def release(self) -> None:
        """Release the lock unless another builder has taken over."""
        if self._cache.get(self._key) == self._owner:
            self._cache.delete(self._key)


def acquire(cache: Cache, key: str, ttl: int, clock: Callable[[], float] = time.time) -> BuildLock | None:
    """Acquire the lock; None if another builder has it. Every builder gets one while the cache is unavailable."""
    now = clock()
    owner = f"{now:.3f} {secrets.token_hex(8)} {os.getpid()} {_place()}".encode()
    # None, an unavailable cache, counts as acquired: building twice is better than not at all.
    if cache.add(key, owner, ttl) is False:
        if not _is_dead(cache.get(key)):
            return None
        # Two waiters may both find the owner dead; `add` lets only the first of them in.
        cache.delete(key)
        if cache.add(key, owner, ttl) is False:
            return None
    return BuildLock(cache, key, owner, now + ttl, clock)


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
    """Return whether the owner is a process of this machine that has ended; False if it cannot be known."""
    parts = (owner or b"").decode(errors="replace").split(" ")
    if len(parts) != 4 or parts[3] != _place() or not parts[2].isdecimal() or len(parts[2]) > 9 or int(parts[2]) == 0:
        return False
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs as another user
        return False
    return False
