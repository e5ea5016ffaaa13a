"""Each widget is queued once, and a task with a void lease token does nothing."""

import fakeredis
import pytest

from hubs.backend.rebuild.leases import KEPT, QUEUED, QueuedBuilds


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
    lease_token = jobs.enqueue(7, stale)
    assert lease_token is not None
    return lease_token


def test_a_queued_widget_is_not_enqueued_again(jobs: QueuedBuilds) -> None:
    lease_token = queue(jobs, 1)
    assert jobs.enqueue(7, [2]) is None
    assert jobs.acquire(7, lease_token, 30.0) == {1, 2}
    assert jobs.complete(7, lease_token) is None


def test_each_widget_has_its_own_lease(jobs: QueuedBuilds) -> None:
    assert jobs.enqueue(7, []) is not None
    assert jobs.enqueue(8, []) is not None


def test_a_widget_requested_during_its_build_is_enqueued_once_more(jobs: QueuedBuilds) -> None:
    first = queue(jobs, 1)
    assert jobs.acquire(7, first, 30.0) == {1}
    assert jobs.enqueue(7, [3]) is None
    assert jobs.enqueue(7, [-1]) is None
    second = jobs.complete(7, first)
    assert second is not None
    assert jobs.enqueue(7, [4]) is None
    assert jobs.acquire(7, second, 30.0) == {-1, 3, 4}
    assert jobs.complete(7, second) is None


def test_calls_that_were_not_confirmed_can_be_repeated(jobs: QueuedBuilds) -> None:
    assert [jobs.enqueue(7, [1], "first") for _ in range(2)] == ["first", "first"]
    assert jobs.enqueue(7, [2]) is None
    assert [jobs.acquire(7, "first", 30.0) for _ in range(2)] == [{1, 2}, {1, 2}]
    jobs.enqueue(7, [3])
    assert [jobs.complete(7, "first", "second") for _ in range(2)] == ["second", "second"]
    assert jobs.acquire(7, "second", 30.0) == {3}


def test_a_request_without_functions_is_enqueued_once_more_too(jobs: QueuedBuilds) -> None:
    lease_token = queue(jobs)
    assert jobs.acquire(7, lease_token, 30.0) == set()
    assert jobs.enqueue(7, []) is None
    assert jobs.complete(7, lease_token) is not None


def test_a_task_delivered_twice_does_nothing_the_second_time(jobs: QueuedBuilds) -> None:
    lease_token = queue(jobs, 1)
    jobs.acquire(7, lease_token, 30.0)
    jobs.complete(7, lease_token)
    assert jobs.acquire(7, lease_token, 30.0) is None


def test_a_redelivered_task_computes_what_the_crashed_worker_left(jobs: QueuedBuilds) -> None:
    lease_token = queue(jobs, 1)
    jobs.acquire(7, lease_token, 30.0)
    jobs.enqueue(7, [2])
    assert jobs.acquire(7, lease_token, 30.0) == {1, 2}


def test_after_the_lease_a_lost_task_is_enqueued_again_and_the_old_token_is_void(
    jobs: QueuedBuilds, clock: Clock
) -> None:
    old = queue(jobs, 1)
    jobs.acquire(7, old, 30.0)
    clock.now += 29
    assert jobs.enqueue(7, [2]) is None
    clock.now += 2
    new = queue(jobs, 3)
    assert jobs.acquire(7, old, 30.0) is None
    assert jobs.complete(7, old) is None
    assert jobs.extend(7, old) is False
    assert jobs.acquire(7, new, 30.0) == {1, 2, 3}


def test_a_lease_can_be_extended_and_released(jobs: QueuedBuilds, clock: Clock) -> None:
    lease_token = queue(jobs)
    clock.now += QUEUED - 1
    assert jobs.enqueue(7, []) is None
    assert jobs.extend(7, lease_token) is True
    clock.now += QUEUED - 1
    assert jobs.enqueue(7, []) is None
    assert jobs.extend(7, lease_token, 0.0) is True
    assert jobs.enqueue(7, []) is not None


def test_leases_and_attempts_expire(jobs: QueuedBuilds, store: fakeredis.FakeRedis) -> None:
    jobs.acquire(7, queue(jobs), 30.0)
    jobs.record_attempt("x")
    assert 0 < store.ttl("hubs:job:7") <= KEPT
    assert store.ttl("hubs:tries:x") > 0


def test_attempts_without_result_are_counted(jobs: QueuedBuilds, store: fakeredis.FakeRedis) -> None:
    assert [jobs.record_attempt("x"), jobs.record_attempt("x")] == [1, 2]
    jobs.record_result("x", built=False)
    assert jobs.record_attempt("x") == 2
    jobs.record_result("x", built=True)
    assert jobs.record_attempt("x") == 1
    jobs.record_result("x", built=False)
    assert not store.exists("hubs:tries:x")
