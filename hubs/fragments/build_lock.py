"""Claims: the right to build one widget, over all processes that share the cache.

A claim is a lease. It ends by itself, so that a builder who died bars nobody for long; a build has a budget that is
shorter than the lease, and who comes back later than that finds that the claim is no longer held and stores nothing.
It also names its process, so that on the same machine nobody waits for one that was killed.
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
    """The right to build, until `release` or until ``ttl`` seconds have passed; `claim` gives it."""

    def __init__(self, cache: Cache, key: str, owner: bytes, until: float, clock: Callable[[], float]) -> None:
        self._cache, self._key, self._owner, self._until, self._clock = cache, key, owner, until, clock

    def held(self) -> bool:
        """Tell whether the claim is still ours; one that the cache lost (evicted, restarted) is, until it would end."""
        found = self._cache.get(self._key)
        return found == self._owner or (found is None and self._clock() < self._until)

    def release(self) -> None:
        """Give the right back, unless somebody else has it by now."""
        if self._cache.get(self._key) == self._owner:
            self._cache.delete(self._key)


def claim(cache: Cache, key: str, ttl: int, clock: Callable[[], float] = time.time) -> BuildLock | None:
    """Become the one builder; None when there is another. A cache that is away lets everybody build."""
    now = clock()
    owner = f"{now:.3f} {secrets.token_hex(8)} {os.getpid()} {_place()}".encode()
    if cache.add(key, owner, ttl) is False:
        if not _is_dead(cache.get(key)):
            return None
        cache.delete(key)
        if cache.add(key, owner, ttl) is False:
            return None
    return BuildLock(cache, key, owner, now + ttl, clock)


def age(cache: Cache, key: str) -> float | None:
    """Return for how many seconds somebody has been building; None when nobody is."""
    found = cache.get(key)
    if found is None or _is_dead(found):
        return None
    try:
        return max(0.0, time.time() - float(found.split(b" ")[0]))
    except ValueError:
        return 0.0


@once
def _place() -> str:
    """Return what tells whether two processes see the same process ids: the machine, and what containers divide it."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return f"{socket.gethostname()}/{space}".replace(" ", "_")


def _is_dead(owner: bytes | None) -> bool:
    """Tell whether a claim is that of a process here that is no more; of others nobody can tell."""
    parts = (owner or b"").decode(errors="replace").split(" ")
    if len(parts) != 4 or parts[3] != _place() or not parts[2].isdecimal() or len(parts[2]) > 9 or int(parts[2]) == 0:
        return False
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it runs as somebody else
        return False
    return False
