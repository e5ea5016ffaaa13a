"""Fragments for requests: one build for concurrent requests, and never a long wait."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
from sqlalchemy.orm import Session

from hubs.fragments import on_demand
from hubs.fragments.jobs import MAX_WAITERS, JobEngine
from hubs.fragments.on_demand import BUILD, FragmentReader, RefreshRequester
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.fragments.store import Fragment, FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub, Widget
from tests.services import wait_for

Make = Callable[..., FragmentReader]


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def make(fragments: FragmentStore, database: Database, store: fakeredis.FakeRedis) -> Iterator[Make]:
    pools: list[BoundedThreadPool] = []

    def make(size: int = 4, budget: float = 10.0) -> FragmentReader:
        pools.append(BoundedThreadPool("job", size, budget))
        schedule = BuildSchedule(lambda: store)
        return FragmentReader(fragments, database, schedule, JobEngine(pools[-1], {BUILD: size}))

    yield make
    for pool in pools:
        pool.stop(1)


@pytest.fixture
def sticky(session: Session, team: Hub) -> Widget:
    return next(row for row in team.widgets if row.plugin == "sticky")


class Slow:
    """Blocks builds of widgets until it is released."""

    def __init__(self, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch, *widgets: int) -> None:
        self.released, self.started = threading.Event(), []
        render = fragments._render

        def slow(widget_type: Any, row: Widget, *rest: Any) -> str:
            if row.id in widgets:
                self.started.append(row.id)
                self.released.wait(20)
            return render(widget_type, row, *rest)

        monkeypatch.setattr(fragments, "_render", slow)


def test_concurrent_requests_for_an_uncached_widget_cause_one_build(
    make: Make, fragments: FragmentStore, database: Database, sticky: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, reader, fragments_read = Slow(fragments, monkeypatch, sticky.id), make(), []
    threading.Timer(0.15, slow.released.set).start()

    def read() -> None:
        with database.session() as own:
            fragments_read.append(reader.read(own.get_one(Widget, sticky.id)))
            fragments.cache.close()

    threads = [threading.Thread(target=read) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slow.started == [sticky.id]
    assert [fragment.state for fragment in fragments_read if fragment] == ["live"] * 12


def test_a_lock_acquired_just_after_another_build_does_not_build_again(
    make: Make, fragments: FragmentStore, sticky: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, build, lock = [], fragments.build, fragments.lock

    def late(row: Widget) -> object:
        built.append(build(row))  # another process: between our read and our lock
        return lock(row)

    monkeypatch.setattr(fragments, "lock", late)
    monkeypatch.setattr(fragments, "build", lambda *arguments, **more: pytest.fail("built again"))
    assert make().read(sticky) == built[0]
    assert fragments.building_for(sticky) is None


def test_a_request_waits_only_briefly_for_a_builder_in_another_process(
    make: Make, fragments: FragmentStore, sticky: Widget
) -> None:
    reader, lock = make(), fragments.lock(sticky)
    assert lock is not None
    assert reader.read(sticky, patience=0.1) is None
    lock.release()
    fresh = reader.read(sticky)
    assert fresh is not None
    assert fresh.state == "live"


def test_an_expired_lock_of_a_dead_builder_blocks_no_request(
    make: Make, fragments: FragmentStore, sticky: Widget
) -> None:
    assert fragments.lock(sticky) is not None
    threading.Timer(0.2, lambda: fragments.cache.delete(f"b:{sticky.id}")).start()  # as the cache does in time
    reader = make()
    # On a busy machine, the request that takes over waits in vain for its build, and a later one gets it.
    wait_for(lambda: reader.read(sticky, patience=5) is not None, "the fragment")


def test_a_widget_that_hangs_is_given_up_and_scheduled_for_the_daemon(
    make: Make, fragments: FragmentStore, sticky: Widget, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, reader = Slow(fragments, monkeypatch, sticky.id), make(budget=0.5)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    assert reader.read(sticky, patience=0.1) is None
    failed = wait_for(lambda: fragments.read(sticky), "the time limit")
    assert isinstance(failed, Fragment)
    assert (failed.state, failed.failures) == ("failed", 1)
    assert "no content within 0.5 s" in failed.error
    assert wait_for(lambda: store.zscore(KEY, str(sticky.id)), "the next try") == pytest.approx(failed.due)
    assert reader.read(sticky) == failed  # at once, and without another build
    slow.released.set()
    wait_for(lambda: getattr(fragments.read(sticky), "state", "") == "live", "the late content")
    assert slow.started == [sticky.id]


def test_requests_do_not_wait_for_a_build_that_has_been_running_for_long(
    make: Make, fragments: FragmentStore, sticky: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "PATIENCE", 0.2)
    slow, reader = Slow(fragments, monkeypatch, sticky.id), make()
    assert reader.read(sticky, patience=0.2) is None
    time.sleep(0.1)
    start = time.monotonic()
    assert reader.read(sticky, patience=10) is None
    assert time.monotonic() - start < 5
    slow.released.set()


def test_a_page_gets_the_fragments_that_are_built_in_time(
    make: Make, fragments: FragmentStore, sticky: Widget, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, reader = Slow(fragments, monkeypatch, sticky.id), make(size=2)
    others = {row.id for row in team.widgets} - {sticky.id}
    wait_for(lambda: set(reader.read_many(team.widgets, patience=1)) == others, "the fragments of the other widgets")
    slow.released.set()


def test_the_daemon_builds_when_all_threads_are_busy(
    make: Make, fragments: FragmentStore, team: Hub, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = team.widgets[:2]
    slow, reader = Slow(fragments, monkeypatch, first.id), make(size=1)
    assert reader.read_many([first, second], patience=0.2) == {}
    assert store.zrange(KEY, 0, -1) == [str(second.id).encode()]
    slow.released.set()


def test_only_few_requests_wait_for_long(
    make: Make, fragments: FragmentStore, database: Database, sticky: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "PATIENCE", 60)
    slow, reader, fragments_read = Slow(fragments, monkeypatch, sticky.id), make(), []

    def read() -> None:
        with database.session() as own:
            fragments_read.append(reader.read(own.get_one(Widget, sticky.id), patience=60))
            fragments.cache.close()

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(fragments_read) == 6 - MAX_WAITERS, "the requests that do not wait for long")
    slow.released.set()
    for thread in threads:
        thread.join()
    assert [fragment is not None for fragment in fragments_read] == [False] * 4 + [True] * MAX_WAITERS


def test_an_expired_widget_is_requested_once_for_many_views(store: fakeredis.FakeRedis) -> None:
    refresh = RefreshRequester(BuildSchedule(lambda: store))
    refresh([1, 2])
    store.flushall()
    refresh([1, 2, 3])
    assert store.zrange(KEY, 0, -1) == [b"3"]


def test_viewers_keep_expired_content_while_the_daemon_is_asked_to_build_it(
    fragments: FragmentStore, sticky: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[list[int]] = []
    monkeypatch.setattr(fragments, "on_due", requested.append)
    widget_type = fragments.registry.get("sticky")
    assert widget_type is not None
    monkeypatch.setattr(widget_type.cls, "lifetime", 600)
    fragment = fragments.build(sticky)
    assert 530 < fragment.due - time.time() < 670
    assert fragments.read(sticky) == fragment
    assert requested == []
    monkeypatch.setattr("hubs.fragments.store.time", FakeTime(fragment.due + 1))
    assert fragments.read(sticky) == fragment
    assert requested == [[sticky.id]]


class FakeTime:
    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now
