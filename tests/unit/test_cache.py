"""The embedded cache, and keys."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs import cache
from tests.cache_suite import CacheSuite


class TestSQLite(CacheSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[cache.Cache]:
        store = cache.connect(f"sqlite:///{tmp_path / 'sub' / 'cache.db'}")
        yield store
        store.close()

    def test_a_damaged_file_is_created_again(self, tmp_path: Path) -> None:
        path = tmp_path / "cache.db"
        path.write_bytes(b"this is no database, and long enough to be read as one" * 100)
        store = cache.SQLiteCache(path)
        assert store.get("a") is None
        assert store.set("a", b"1", 60) is True
        assert store.get("a") == b"1"
        store.close()

    def test_a_folder_that_cannot_be_created_means_misses(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        store = cache.SQLiteCache(tmp_path / "file" / "cache.db")
        assert store.get("a") is None
        assert store.set("a", b"1", 60) is False
        assert store.add("a", b"1", 60) is None
        assert store.delete("a") is False

    def test_a_forked_child_opens_its_own_connection(self, tmp_path: Path) -> None:
        store = cache.SQLiteCache(tmp_path / "cache.db")
        store.set("parent", b"1", 60)
        pid = os.fork()
        if pid == 0:
            good = store.get("parent") == b"1" and store.set("child", b"2", 60)
            os._exit(0 if good else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert store.get("child") == b"2"
        store.close()

    def test_expired_entries_are_removed_from_the_file(self, tmp_path: Path) -> None:
        store = cache.SQLiteCache(tmp_path / "cache.db")
        store.PURGE_EVERY = 2
        store.set("old", b"1", -1)
        store.set("new", b"1", 60)
        assert store._run("SELECT count(*) FROM cache", []) == [(1,)]
        store.close()


def test_the_null_cache_remembers_nothing() -> None:
    store = cache.connect("null://")
    assert store.set("a", b"1", 60) is False
    assert store.get("a") is None
    assert store.add("a", b"1", 60) is None
    store.delete("a")
    store.close()


def test_keys_are_short_and_plain_and_differ() -> None:
    assert cache.key_of("f", 1, 2, "en") == "f:1:2:en"
    long, odd = cache.key_of("f", "x" * 300), cache.key_of("f", "a b\n")
    for key in (long, odd, cache.key_of("f", "ü")):
        assert len(key) <= 250
        assert key.isascii()
        assert not any(letter.isspace() for letter in key)
    assert long != cache.key_of("f", "x" * 301)


def test_an_unavailable_memcached_means_misses() -> None:
    store = cache.connect("memcached://127.0.0.1:1")
    assert store.get("a") is None
    assert store.get_many(["a", "b"]) == {}
    assert store.set("a", b"1", 60) is False
    assert store.add("a", b"1", 60) is None
    store.delete("a")
    store.close()
