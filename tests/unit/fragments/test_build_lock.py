"""Build locks: one builder over all processes, even if the builder dies or the cache loses entries."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.cache import NullCache, SQLiteCache
from hubs.fragments import build_lock
from hubs.fragments.build_lock import acquire, age
from tests.services import wait_for


class FlakyCache(SQLiteCache):
    """A cache that answers like memcached: it can do what it does not confirm, and it can be down."""

    loses_replies = is_down = False

    def get(self, key: str) -> bytes | None:
        return None if self.is_down else super().get(key)

    def add(self, key: str, value: bytes, ttl: int) -> bool | None:
        if self.is_down:
            return None
        added = super().add(key, value, ttl)
        if not self.loses_replies:
            return added
        self.loses_replies = False
        return False if super().get(key) is not None else None

    def delete(self, *keys: str) -> bool:
        return not self.is_down and super().delete(*keys)


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


@pytest.fixture
def flaky(tmp_path: Path) -> Iterator[FlakyCache]:
    cache = FlakyCache(tmp_path / "cache.db")
    yield cache
    cache.close()


def test_a_lock_whose_storing_was_not_confirmed_is_ours(flaky: FlakyCache) -> None:
    flaky.loses_replies = True
    lock = acquire(flaky, "b:1", 60)
    assert lock is not None
    assert lock.is_held()
    assert acquire(flaky, "b:1", 60) is None


def test_a_lock_that_could_not_be_released_does_not_block_its_own_process(flaky: FlakyCache) -> None:
    lock = acquire(flaky, "b:1", 60)
    assert lock is not None
    flaky.is_down = True
    lock.release()
    flaky.is_down = False
    assert age(flaky, "b:1") is None
    assert acquire(flaky, "b:1", 60) is not None


def test_a_lock_that_could_not_be_released_is_released_later(
    flaky: FlakyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_lock, "AGAIN", 0.05)
    locks = [acquire(flaky, f"b:{number}", 600) for number in range(2)]
    flaky.is_down = True
    for lock in locks:
        assert lock is not None
        lock.release()
    assert flaky.is_down
    flaky.is_down = False  # without this, other processes would wait for the whole time-to-live
    wait_for(lambda: flaky.get("b:0") is None and flaky.get("b:1") is None, "both releases")


def test_a_release_that_is_repeated_leaves_the_next_builder_alone(flaky: FlakyCache) -> None:
    lock = acquire(flaky, "b:1", 60)
    assert lock is not None
    flaky.set("b:1", b"1790000000.0 0123456789abcdef 1 another/pid:[1]", 60)
    assert lock.is_released()
    assert flaky.get("b:1") is not None


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
