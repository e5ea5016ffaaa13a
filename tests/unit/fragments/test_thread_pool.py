"""Thread pools with a time limit: tasks that hang are reported and replaced, up to a bound."""

import threading
import time
from collections.abc import Iterator

import pytest

from hubs.fragments.thread_pool import BoundedThreadPool
from tests.services import wait_for


@pytest.fixture
def pool() -> Iterator[BoundedThreadPool]:
    pool = BoundedThreadPool("test", size=2, budget=0.2, max_abandoned=3)
    yield pool
    pool.stop(0.5)


class Hung:
    """Tasks that hang until they are released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.late: list[float] = []
        self.started: list[float] = []

    def run(self) -> None:
        self.started.append(time.monotonic())
        self.released.wait(20)

    def give_up(self) -> None:
        self.late.append(time.monotonic())


@pytest.fixture
def hung() -> Iterator[Hung]:
    tasks = Hung()
    yield tasks
    tasks.released.set()


def never() -> None:
    pytest.fail("the task timed out")


def test_at_most_size_tasks_run_at_once(hung: Hung) -> None:
    pool = BoundedThreadPool("test", size=2, budget=20)
    assert [pool.start("task", hung.run, never) for _ in range(3)] == [True, True, False]
    hung.released.set()
    wait_for(lambda: pool.start("task", hung.run, never), "room")
    pool.stop(1)
    assert not pool.start("task", hung.run, never)
    assert not pool.wait_for_room()


def test_threads_are_reused(pool: BoundedThreadPool) -> None:
    names: set[str] = set()
    for _ in range(50):
        assert pool.wait_for_room()
        assert pool.start("task", lambda: names.add(threading.current_thread().name), never)
    pool.stop(1)
    assert len(names) <= 2


def test_a_task_that_times_out_is_reported_and_frees_its_place(pool: BoundedThreadPool, hung: Hung) -> None:
    done: list[int] = []
    assert pool.start("a", hung.run, hung.give_up)
    assert pool.start("b", hung.run, hung.give_up)
    assert not pool.start("c", lambda: done.append(1), never)
    assert pool.wait_for_room()
    wait_for(lambda: len(hung.late) == 2, "both to be given up")
    assert (pool.abandoned, pool.counts["late"]) == (2, 2)
    assert min(hung.late) - hung.started[0] >= 0.2
    assert pool.start("c", lambda: done.append(1), never)
    wait_for(lambda: done, "the third")
    hung.released.set()
    wait_for(lambda: pool.abandoned == 0, "the abandoned threads to return")
    assert pool.counts["returned"] == 2


def test_the_number_of_abandoned_threads_is_bounded(pool: BoundedThreadPool, hung: Hung) -> None:
    for _ in range(5):
        assert pool.wait_for_room()
        assert pool.start("hangs", hung.run, hung.give_up)
    wait_for(lambda: len(hung.late) == 5, "all to be given up")  # timeouts are reported beyond the bound, too
    assert pool.abandoned == 3
    assert not pool.start("one more", hung.run, never)
    hung.released.set()
    assert pool.wait_for_room()
    wait_for(lambda: pool.abandoned == 0, "all threads to return")
    assert pool.start("one more", hung.run, never)


def test_a_task_that_raises_frees_its_place(pool: BoundedThreadPool) -> None:
    def fails() -> None:
        raise SystemExit("no")

    for _ in range(10):
        assert pool.wait_for_room()
        assert pool.start("fails", fails, never)
    wait_for(pool.wait_for_room, "room")
