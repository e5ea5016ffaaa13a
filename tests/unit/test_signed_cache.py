"""The signed cache: the contract of every cache, and entries of others are misses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.cache import Cache, SQLiteCache
from hubs.signed_cache import SignedCache
from tests.cache_suite import CacheSuite


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[SQLiteCache]:
    store = SQLiteCache(tmp_path / "cache.db")
    yield store
    store.close()


class TestSignedCache(CacheSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Cache]:
        store = SignedCache(SQLiteCache(tmp_path / "suite.db"), b"secret")
        yield store
        store.close()


def test_entries_that_were_changed_copied_or_signed_by_others_are_misses(plain: SQLiteCache) -> None:
    ours, theirs = SignedCache(plain, b"secret"), SignedCache(plain, b"another secret")
    assert ours.set("a", b"value", 60)
    assert ours.get("a") == b"value"
    entry = plain.get("a") or b""
    theirs.set("signed by others", b"value", 60)
    for key, forged in (("b", entry), ("a", entry[:-1] + b"X"), ("a", b"value"), ("a", b""), ("a", entry[:32])):
        plain.set(key, forged, 60)
        assert ours.get(key) is None
    assert ours.get_many(["a", "b", "signed by others"]) == {}
