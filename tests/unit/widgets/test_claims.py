"""Claims: one builder over all processes, whatever becomes of builder and cache."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.cache import NullCache, SQLiteCache
from hubs.widgets.claims import age, claim


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[SQLiteCache]:
    found = SQLiteCache(tmp_path / "cache.db")
    yield found
    found.close()


def test_there_is_one_builder_at_a_time(cache: SQLiteCache) -> None:
    first = claim(cache, "b:1", 60)
    assert first is not None
    assert first.held()
    assert claim(cache, "b:1", 60) is None
    assert claim(cache, "b:2", 60) is not None
    first.release()
    assert claim(cache, "b:1", 60) is not None


def test_a_claim_that_ended_is_no_longer_held_and_takes_nothing_from_the_next(cache: SQLiteCache) -> None:
    moment = [1000.0]
    first = claim(cache, "b:1", 60, lambda: moment[0])
    cache.delete("b:1")  # as the cache does in time
    moment[0] = 1061.0
    assert first is not None
    assert not first.held()
    second = claim(cache, "b:1", 60)
    first.release()
    assert second is not None
    assert second.held()
    assert not first.held()


def test_a_claim_that_the_cache_lost_is_held_until_its_end_unless_another_has_one(cache: SQLiteCache) -> None:
    first = claim(cache, "b:1", 60)
    cache.delete("b:1")  # evicted, or memcached was started again
    assert first is not None
    assert first.held()
    assert claim(cache, "b:1", 60) is not None
    assert not first.held()


def test_without_a_cache_everybody_builds() -> None:
    first, second = claim(NullCache(), "b:1", 60), claim(NullCache(), "b:1", 60)
    assert first is not None
    assert second is not None
    assert first.held()
    first.release()


def test_how_long_somebody_has_been_building_is_known(cache: SQLiteCache) -> None:
    assert age(cache, "b:1") is None
    claim(cache, "b:1", 60)
    found = age(cache, "b:1")
    assert found is not None
    assert 0 <= found < 10
    cache.set("b:1", b"damaged", 60)
    assert age(cache, "b:1") == 0.0
