"""What every cache must do; run against each."""

import threading
import time

from hubs.cache import LIMIT, Cache


class CacheSuite:
    """Tests of a cache that the fixture ``store`` gives."""

    def test_a_value_is_returned_until_it_is_deleted(self, store: Cache) -> None:
        assert store.get("a") is None
        assert store.set("a", b"\x00\xff one", 60) is True
        assert store.get("a") == b"\x00\xff one"
        assert store.delete("a") is True
        assert store.get("a") is None
        assert store.delete("a") is True  # what is not there is certainly gone

    def test_many_are_deleted_at_once(self, store: Cache) -> None:
        for key in ("d1", "d2", "d3"):
            store.set(key, b"1", 60)
        assert store.delete("d1", "d3", "missing") is True
        assert store.get_many(["d1", "d2", "d3"]) == {"d2": b"1"}
        assert store.delete() is True

    def test_an_empty_value_is_a_value(self, store: Cache) -> None:
        store.set("empty", b"", 60)
        assert store.get("empty") == b""

    def test_many_are_read_at_once_and_missing_ones_left_out(self, store: Cache) -> None:
        store.set("m1", b"1", 60)
        store.set("m2", b"2", 60)
        assert store.get_many(["m1", "m2", "m3"]) == {"m1": b"1", "m2": b"2"}
        assert store.get_many([]) == {}

    def test_add_stores_once(self, store: Cache) -> None:
        store.delete("lock")
        assert store.add("lock", b"me", 60) is True
        assert store.add("lock", b"you", 60) is False
        assert store.get("lock") == b"me"

    def test_one_of_many_concurrent_adds_wins(self, store: Cache) -> None:
        store.delete("race")
        won: list[bool | None] = []
        threads = [threading.Thread(target=lambda: won.append(store.add("race", b"x", 60))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won.count(True) == 1

    def test_values_expire(self, store: Cache) -> None:
        store.set("soon", b"gone", 1)
        time.sleep(2.1)
        assert store.get("soon") is None
        assert store.add("soon", b"new", 60) is True

    def test_a_value_that_is_too_large_is_not_stored_and_nothing_breaks(self, store: Cache) -> None:
        assert store.set("large", b"x" * (LIMIT + 1), 60) is False
        assert store.get("large") is None
        assert store.set("small", b"x", 60) is True

    def test_half_a_megabyte_is_stored(self, store: Cache) -> None:
        assert store.set("half", b"y" * 500_000, 60) is True
        assert store.get("half") == b"y" * 500_000
