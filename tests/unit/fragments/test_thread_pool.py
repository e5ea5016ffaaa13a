"""Threads with a budget: what hangs is given up, does not stand in the way, and is bounded."""

import threading
import time
from collections.abc import Iterator

import pytest

from hubs.fragments.thread_pool import BoundedThreadPool
from tests.services import wait_for


@pytest.fixture
def crew() -> Iterator[BoundedThreadPool]:
    found = BoundedThreadPool("test", size=2, budget=0.2, max_abandoned=3)
    yield found
    found.stop(0.5)


class Hung:
    """Tasks that hang until they are released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.late: list[float] = []
        self.begun: list[float] = []

    def act(self) -> None:
        self.begun.append(time.monotonic())
        self.released.wait(20)

    def give_up(self) -> None:
        self.late.append(time.monotonic())


@pytest.fixture
def hung() -> Iterator[Hung]:
    found = Hung()
    yield found
    found.released.set()


def never() -> None:
    pytest.fail("was called late")


def test_no_more_than_its_size_is_done_at_once(hung: Hung) -> None:
    crew = BoundedThreadPool("test", size=2, budget=20)
    assert [crew.start("task", hung.act, never) for _ in range(3)] == [True, True, False]
    hung.released.set()
    wait_for(lambda: crew.start("task", hung.act, never), "room")
    crew.stop(1)
    assert not crew.start("task", hung.act, never)
    assert not crew.wait_for_room()


def test_threads_are_used_again(crew: BoundedThreadPool) -> None:
    names: set[str] = set()
    for _ in range(50):
        assert crew.wait_for_room()
        assert crew.start("task", lambda: names.add(threading.current_thread().name), never)
    crew.stop(1)
    assert len(names) <= 2


def test_what_exceeds_its_budget_is_given_up_and_no_longer_stands_in_the_way(
    crew: BoundedThreadPool, hung: Hung
) -> None:
    done: list[int] = []
    assert crew.start("a", hung.act, hung.give_up)
    assert crew.start("b", hung.act, hung.give_up)
    assert not crew.start("c", lambda: done.append(1), never)
    assert crew.wait_for_room()
    wait_for(lambda: len(hung.late) == 2, "both to be given up")
    assert (crew.abandoned, crew.counts["late"]) == (2, 2)
    assert min(hung.late) - hung.begun[0] >= 0.2
    assert crew.start("c", lambda: done.append(1), never)
    wait_for(lambda: done, "the third")
    hung.released.set()
    wait_for(lambda: crew.abandoned == 0, "the lost ones to come back")
    assert crew.counts["returned"] == 2


def test_the_number_of_lost_threads_is_bounded(crew: BoundedThreadPool, hung: Hung) -> None:
    for _ in range(5):
        assert crew.wait_for_room()
        assert crew.start("hangs", hung.act, hung.give_up)
    wait_for(lambda: len(hung.late) == 5, "all to be given up")  # whoever waits is told all the same
    assert crew.abandoned == 3
    assert not crew.start("one more", hung.act, never)
    hung.released.set()
    assert crew.wait_for_room()
    wait_for(lambda: crew.abandoned == 0, "all to come back")
    assert crew.start("one more", hung.act, never)


def test_a_task_that_raises_whatever_leaves_its_place_to_the_next(crew: BoundedThreadPool) -> None:
    def fails() -> None:
        raise SystemExit("no")

    for _ in range(10):
        assert crew.wait_for_room()
        assert crew.start("fails", fails, never)
    wait_for(crew.wait_for_room, "room")
