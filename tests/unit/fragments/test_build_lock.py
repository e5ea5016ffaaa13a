"""Build locks: one builder over all processes, even if the builder dies or the cache loses entries."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.cache import NullCache, SQLiteCache
from hubs.fragments.build_lock import acquire, age


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SQLiteCache]:
    cache = SQLiteCache(tmp_path / "cache.db")
    yield cache
    cache.close()


def test_there_is_one_builder_at_a_time(cache: SQLiteCache) -> None:
    first = acquire(cache, "b:1", 60)
    assert first is not None
    assert first.is_held()
    assert acquire(cache, "b:1", 60) is None
    assert acquire(cache, "b:2", 60) is not None
    first.release()
    assert acquire(cache, "b:1", 60) is not None


def test_an_expired_lock_is_not_held_and_does_not_release_the_next_one(cache: SQLiteCache) -> None:
    now = [1000.0]
    first = acquire(cache, "b:1", 60, lambda: now[0])
    cache.delete("b:1")  # as the cache does in time
    now[0] = 1061.0
    assert first is not None
    assert not first.is_held()
    second = acquire(cache, "b:1", 60)
    first.release()
    assert second is not None
    assert second.is_held()
    assert not first.is_held()


def test_a_lock_that_the_cache_lost_is_held_until_another_builder_acquires_it(cache: SQLiteCache) -> None:
    first = acquire(cache, "b:1", 60)
    cache.delete("b:1")  # evicted, or memcached was started again
    assert first is not None
    assert first.is_held()
    assert acquire(cache, "b:1", 60) is not None
    assert not first.is_held()


def test_without_a_cache_every_builder_gets_a_lock() -> None:
    first, second = acquire(NullCache(), "b:1", 60), acquire(NullCache(), "b:1", 60)
    assert first is not None
    assert second is not None
    assert first.is_held()
    first.release()


def test_age_returns_the_duration_of_the_running_build(cache: SQLiteCache) -> None:
    assert age(cache, "b:1") is None
    acquire(cache, "b:1", 60)
    seconds = age(cache, "b:1")
    assert seconds is not None
    assert 0 <= seconds < 10
    cache.set("b:1", b"damaged", 60)
    assert age(cache, "b:1") == 0.0


ACQUIRE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from hubs.cache import SQLiteCache
from hubs.fragments.build_lock import acquire
assert acquire(SQLiteCache(Path(sys.argv[1])), "b:1", 60)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_lock_of_a_killed_builder_expires_at_once(cache: SQLiteCache, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", ACQUIRE_AND_DIE, str(tmp_path / "cache.db")], check=False)
    assert killed.returncode < 0
    assert cache.get("b:1") is not None
    assert age(cache, "b:1") is None
    lock = acquire(cache, "b:1", 60)
    assert lock is not None
    assert lock.is_held()
    assert age(cache, "b:1") is not None
    assert acquire(cache, "b:1", 60) is None


def test_a_lock_from_another_host_or_namespace_counts_as_held(cache: SQLiteCache) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    acquire(cache, "b:1", 60)
    moment, word, _, place = (cache.get("b:1") or b"").decode().split(" ")
    for process, where in ((gone.pid, "another/pid:[1]"), (os.getpid(), place), (0, place), (-1, place), ("x", place)):
        cache.set("b:1", f"{moment} {word} {process} {where}".encode(), 60)
        assert acquire(cache, "b:1", 60) is None
    cache.set("b:1", f"{moment} {word}".encode(), 60)  # of an older version
    assert acquire(cache, "b:1", 60) is None
