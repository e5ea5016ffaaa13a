"""Each widget is queued once, and a task that lost its ticket does nothing."""

import fakeredis
import pytest

from hubs.backend.rebuild.tickets import KEPT, QUEUED, QueuedBuilds


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(store: fakeredis.FakeRedis, clock: Clock) -> QueuedBuilds:
    return QueuedBuilds(lambda: store, clock)


def queue(jobs: QueuedBuilds, *stale: int) -> str:
    ticket = jobs.ask(7, stale)
    assert ticket is not None
    return ticket


def test_a_widget_that_is_queued_is_not_queued_again(jobs: QueuedBuilds) -> None:
    ticket = queue(jobs, 1)
    assert jobs.ask(7, [2]) is None
    assert jobs.begin(7, ticket, 30.0) == {1, 2}
    assert jobs.end(7, ticket) is None


def test_each_widget_has_a_place_of_its_own(jobs: QueuedBuilds) -> None:
    assert jobs.ask(7, []) is not None
    assert jobs.ask(8, []) is not None


def test_what_is_asked_for_while_it_is_built_is_queued_once_more(jobs: QueuedBuilds) -> None:
    first = queue(jobs, 1)
    assert jobs.begin(7, first, 30.0) == {1}
    assert jobs.ask(7, [3]) is None
    assert jobs.ask(7, [-1]) is None
    second = jobs.end(7, first)
    assert second is not None
    assert jobs.ask(7, [4]) is None
    assert jobs.begin(7, second, 30.0) == {-1, 3, 4}
    assert jobs.end(7, second) is None


def test_also_without_any_function_it_is_queued_once_more(jobs: QueuedBuilds) -> None:
    ticket = queue(jobs)
    assert jobs.begin(7, ticket, 30.0) == set()
    assert jobs.ask(7, []) is None
    assert jobs.end(7, ticket) is not None


def test_a_task_that_comes_twice_does_nothing_the_second_time(jobs: QueuedBuilds) -> None:
    ticket = queue(jobs, 1)
    jobs.begin(7, ticket, 30.0)
    jobs.end(7, ticket)
    assert jobs.begin(7, ticket, 30.0) is None


def test_who_takes_over_from_the_dead_computes_what_they_had_to(jobs: QueuedBuilds) -> None:
    ticket = queue(jobs, 1)
    jobs.begin(7, ticket, 30.0)
    jobs.ask(7, [2])
    assert jobs.begin(7, ticket, 30.0) == {1, 2}


def test_a_lost_task_is_queued_again_when_its_time_is_over_and_the_old_one_is_void(
    jobs: QueuedBuilds, clock: Clock
) -> None:
    old = queue(jobs, 1)
    jobs.begin(7, old, 30.0)
    clock.now += 29
    assert jobs.ask(7, [2]) is None
    clock.now += 2
    new = queue(jobs, 3)
    assert jobs.begin(7, old, 30.0) is None
    assert jobs.end(7, old) is None
    assert jobs.hold(7, old) is False
    assert jobs.begin(7, new, 30.0) == {1, 2, 3}


def test_a_place_in_the_queue_is_kept_for_long_and_can_be_given_away(jobs: QueuedBuilds, clock: Clock) -> None:
    ticket = queue(jobs)
    clock.now += QUEUED - 1
    assert jobs.ask(7, []) is None
    assert jobs.hold(7, ticket) is True
    clock.now += QUEUED - 1
    assert jobs.ask(7, []) is None
    assert jobs.hold(7, ticket, 0.0) is True
    assert jobs.ask(7, []) is not None


def test_nothing_is_kept_for_ever(jobs: QueuedBuilds, store: fakeredis.FakeRedis) -> None:
    jobs.begin(7, queue(jobs), 30.0)
    jobs.begun("x")
    assert 0 < store.ttl("hubs:job:7") <= KEPT
    assert store.ttl("hubs:tries:x") > 0


def test_builds_that_never_came_back_are_counted_in_a_row(jobs: QueuedBuilds, store: fakeredis.FakeRedis) -> None:
    assert [jobs.begun("x"), jobs.begun("x")] == [1, 2]
    jobs.came_back("x", built=False)
    assert jobs.begun("x") == 2
    jobs.came_back("x", built=True)
    assert jobs.begun("x") == 1
    jobs.came_back("x", built=False)
    assert not store.exists("hubs:tries:x")
