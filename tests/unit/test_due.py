"""What is due: kept in Redis, taken once, coming up again when it was not done."""

import fakeredis
import pytest
import redis

from hubs.due import KEY, Due, Taken

NOTHING = Taken([], [])


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
def due(store: fakeredis.FakeRedis, clock: Clock) -> Due:
    return Due(lambda: store, clock)


def test_what_is_asked_for_is_taken_once_when_its_time_has_come(due: Due, clock: Clock) -> None:
    assert due.ask([1, 2])
    assert due.ask([3], when=1010)
    assert due.take(60) == Taken([1, 2], [])
    assert due.take(60) == NOTHING
    clock.now = 1010
    assert due.take(60) == Taken([3], [])


def test_what_was_taken_and_not_done_comes_up_again(due: Due, clock: Clock) -> None:
    due.ask([1, 2])
    due.take(60)
    due.done(1)
    clock.now += 61  # whoever took it died
    assert due.take(60) == Taken([2], [])


def test_what_is_asked_for_while_it_is_built_stays(due: Due) -> None:
    due.ask([1])
    due.take(60)
    due.ask([1])
    due.done(1)
    assert due.take(60) == Taken([1], [])


def test_the_earlier_moment_counts_until_a_failure_sets_the_next(due: Due, clock: Clock) -> None:
    due.ask([1], when=1050)
    due.ask([1], when=1090)
    clock.now = 1050
    assert due.take(60) == Taken([1], [])
    due.settle(1, 1200, failed=True)
    clock.now = 1199
    assert due.take(60) == NOTHING
    clock.now = 1200
    assert due.take(60) == Taken([1], [])


def test_content_that_grows_old_is_kept_apart_from_what_was_asked_for(due: Due, clock: Clock) -> None:
    due.settle(7, 1300, failed=False)
    due.ask([7])
    assert due.take(60) == Taken([7], [])
    due.settle(7, 1400, failed=False)
    clock.now = 1399
    assert due.take(60) == NOTHING
    clock.now = 1400
    assert due.take(60) == Taken([], [7])
    due.drop_timed([7])
    clock.now = 2000
    assert due.take(60) == NOTHING


def test_never_more_than_a_batch_is_taken(due: Due) -> None:
    due.ask(range(30))
    assert sum(len(due.take(60, most=10).asked) for _ in range(2)) == 20


def test_what_others_wrote_into_the_set_is_no_widget(due: Due, store: fakeredis.FakeRedis) -> None:
    store.zadd(KEY, {"x": 1, "t": 1, "tx": 1, "-4": 1, "5": 1})
    assert due.take(60) == Taken([5], [])


def test_while_redis_is_away_every_answer_says_so() -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError("gone")

    due = Due(away)
    assert due.take(60) == NOTHING
    assert not due.ask([1])
    assert not due.settle(1, 5.0, failed=True)
    assert not due.settle(1, 5.0, failed=False)
    assert not due.drop_timed([1])
    assert due.ask([])  # nothing to do
