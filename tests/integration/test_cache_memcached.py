"""The cache on a real memcached, also one that is gone, hung or full."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs import cache
from tests import services
from tests.cache_suite import CacheSuite


class TestMemcached(CacheSuite):
    @pytest.fixture
    def store(self, memcached: int) -> Iterator[cache.Cache]:
        store = cache.connect(f"memcached://127.0.0.1:{memcached}")
        yield store
        store.close()


def test_a_memcached_that_dies_means_misses_and_comes_back_by_itself(tmp_path: Path) -> None:
    with services.memcached(tmp_path) as (service, port):
        store = cache.connect(f"memcached://127.0.0.1:{port}")
        assert store.set("a", b"1", 60)
        service.kill()
        assert store.get("a") is None
        assert store.add("a", b"1", 60) is None
        assert store.delete("a") is False
        assert store.delete("a", "b") is False
        service.restart()
        services.wait_for(lambda: store.set("a", b"2", 60), "storing again")
        assert store.get("a") == b"2"
        store.close()


def test_a_memcached_that_hangs_costs_bounded_time(tmp_path: Path) -> None:
    with services.memcached(tmp_path) as (service, port):
        store = cache.connect(f"memcached://127.0.0.1:{port}")
        store.set("a", b"1", 60)
        service.process.send_signal(signal.SIGSTOP)
        services.wait_for(lambda: store.get("a") is None, "all threads of memcached to stop")
        assert store.delete("a", "b") is False
        start = time.monotonic()
        for _ in range(20):
            assert store.get("a") is None
        assert time.monotonic() - start < 5  # half of what twenty time-outs take
        service.process.send_signal(signal.SIGCONT)
        store.close()


def test_a_full_memcached_forgets_the_oldest(tmp_path: Path) -> None:
    with services.memcached(tmp_path, "-m", "8") as (_, port):
        store = cache.connect(f"memcached://127.0.0.1:{port}")
        for number in range(400):
            store.set(f"k{number}", b"z" * 100_000, 60)
        assert store.get("k0") is None
        assert store.set("last", b"1", 60)
        assert store.get("last") == b"1"
        store.close()


def test_several_servers_share_the_keys_and_one_that_dies_loses_only_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with services.memcached(folders[0]) as (service, first), services.memcached(folders[1]) as (_, second):
        store = cache.connect(f"memcached://127.0.0.1:{first},127.0.0.1:{second}")
        keys = [f"k{number}" for number in range(200)]
        for key in keys:
            services.wait_for(lambda key=key: store.set(key, key.encode(), 60), f"storing {key}")  # type: ignore[misc]
        other = cache.connect(f"memcached://127.0.0.1:{first},127.0.0.1:{second}")
        expected = {key: key.encode() for key in keys}
        services.wait_for(lambda: other.get_many(keys) == expected, "another process to find them as well")
        service.kill()
        left = store.get_many(keys)
        assert 50 < len(left) < 150
        services.wait_for(
            lambda: all(store.set(key, b"again", 60) for key in keys), "storing on the server that is left"
        )
        assert set(store.get_many(keys).values()) == {b"again"}
        store.close()
        other.close()


def test_entries_on_several_servers_are_gone_only_if_all_of_them_answer(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with services.memcached(tmp_path / "one") as (first, port), services.memcached(tmp_path / "two") as (_, other):
        store = cache.connect(f"memcached://127.0.0.1:{port},127.0.0.1:{other}")
        keys = [f"k{number}" for number in range(200)]  # each server has some of either half
        for key in keys:
            assert store.set(key, b"1", 60)
        assert store.delete(*keys[:100]) is True
        assert store.get_many(keys) == dict.fromkeys(keys[100:], b"1")
        first.kill()
        assert store.delete(*keys[100:]) is False
        store.close()
