"""The build schedule in Redis: entries are taken once, and become due again if the build does not complete."""

import fakeredis
import pytest
import redis

from hubs.fragments.schedule import BATCH, KEY, REST, TOUCHED, BuildSchedule, DueBatch

NOTHING = DueBatch([], [])


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def due(store: fakeredis.FakeRedis, clock: Clock) -> BuildSchedule:
    return BuildSchedule(lambda: store, clock)


def test_a_request_is_taken_once_when_it_is_due(due: BuildSchedule, clock: Clock) -> None:
    assert due.request([1, 2])
    assert due.request([3], when=1010)
    assert due.take(60) == DueBatch([1, 2], [])
    assert due.take(60) == NOTHING
    clock.now = 1010
    assert due.take(60) == DueBatch([3], [])


def test_a_lease_that_is_not_completed_becomes_due_again(due: BuildSchedule, clock: Clock) -> None:
    due.request([1, 2])
    due.take(60)
    due.complete(1)
    clock.now += 61  # the process that took it died
    assert due.take(60) == DueBatch([2], [])


def test_a_request_during_a_build_stays(due: BuildSchedule) -> None:
    due.request([1])
    due.take(60)
    due.request([1])
    due.complete(1)
    assert due.take(60) == DueBatch([1], [])


def test_the_earlier_time_counts_until_a_failure_sets_the_next(due: BuildSchedule, clock: Clock) -> None:
    due.request([1], when=1050)
    due.request([1], when=1090)
    clock.now = 1050
    assert due.take(60) == DueBatch([1], [])
    due.finish(1, 1200, failed=True)
    clock.now = 1199
    assert due.take(60) == NOTHING
    clock.now = 1200
    assert due.take(60) == DueBatch([1], [])


def test_timed_builds_are_independent_of_requests(due: BuildSchedule, clock: Clock) -> None:
    due.finish(7, 1300, failed=False)
    due.request([7])
    assert due.take(60) == DueBatch([7], [])
    due.finish(7, 1400, failed=False)
    clock.now = 1399
    assert due.take(60) == NOTHING
    clock.now = 1400
    assert due.take(60) == DueBatch([], [7])
    due.drop_timed([7])
    clock.now = 2000
    assert due.take(60) == NOTHING


def test_at_most_one_batch_is_taken(due: BuildSchedule) -> None:
    due.request(range(30))
    assert sum(len(due.take(60, most=10).requested) for _ in range(2)) == 20


def test_foreign_members_of_the_set_are_ignored(due: BuildSchedule, store: fakeredis.FakeRedis) -> None:
    store.zadd(KEY, {"x": 1, "t": 1, "tx": 1, "-4": 1, "5": 1})
    assert due.take(60) == DueBatch([5], [])


def test_every_method_returns_false_while_redis_is_unavailable() -> None:
    def unavailable() -> redis.Redis:
        raise redis.ConnectionError("gone")

    due = BuildSchedule(unavailable)
    assert due.take(60) == NOTHING
    assert not due.request([1])
    assert not due.finish(1, 5.0, failed=True)
    assert not due.finish(1, 5.0, failed=False)
    assert not due.drop_timed([1])
    assert due.request([])  # nothing to do


def test_a_touched_widget_becomes_due_unless_it_is_built_soon(due: BuildSchedule, clock: Clock) -> None:
    assert due.mark_pending([1, 2])
    assert due.take(60) == NOTHING
    assert due.finish(1, 0.0, failed=False, touched=due.touched(1))
    assert due.finish(2, 0.0, failed=False)  # by a builder that did not know about the mark
    clock.now += TOUCHED + 1
    assert due.take(60) == DueBatch([2], [])
    assert due.complete(2, due.touched(2))
    clock.now += 61
    assert due.take(60) == NOTHING


def test_a_widget_that_is_touched_during_its_build_is_built_again(due: BuildSchedule, clock: Clock) -> None:
    due.mark_pending([1])
    before = due.touched(1)
    clock.now += 0.1
    due.mark_pending([1])
    due.complete(1, before)
    clock.now += TOUCHED + 1
    assert due.take(60) == DueBatch([1], [])


def test_a_failed_build_waits_for_its_retry_even_if_it_was_touched_before(due: BuildSchedule, clock: Clock) -> None:
    due.mark_pending([1])
    due.finish(1, 1200, failed=True, touched=due.touched(1))
    clock.now += TOUCHED + 1
    assert due.take(60) == NOTHING
    clock.now = 1201
    due.mark_pending([1])
    clock.now += TOUCHED + 1
    assert due.take(60) == DueBatch([1], [])  # once, though it was both requested and touched


def test_more_than_a_batch_can_be_marked_and_a_deleted_widget_loses_all_entries(
    due: BuildSchedule, store: fakeredis.FakeRedis
) -> None:
    assert due.mark_pending(range(BATCH + 5))
    assert due.mark_pending([])
    assert store.zcard(KEY) == BATCH + 5
    due.request([3])
    due.timed(3, 2000)
    assert due.forget(3)
    assert store.zcard(KEY) == BATCH + 4


def test_messages_wait_only_once_for_a_redis_that_does_not_answer(store: fakeredis.FakeRedis, clock: Clock) -> None:
    tries: list[float] = []

    def client() -> fakeredis.FakeRedis:
        tries.append(clock.now)
        if len(tries) == 1:
            raise redis.TimeoutError("no answer")
        return store

    due = BuildSchedule(client, clock)
    assert [due.mark_pending([1]) for _ in range(5)] == [False] * 5
    assert len(tries) == 1
    clock.now += REST
    assert due.mark_pending([1])
    assert due.mark_pending([2])
