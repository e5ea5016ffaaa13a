"""Failed builds are recorded, retried or abandoned, and never delay other widgets."""

import threading
import time
from typing import Any

import fakeredis
import pytest
import redis
from sqlalchemy.orm import Session

from hubs.fragments import store as fragments_module
from hubs.fragments.builder import ALL
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Hub, Widget
from tests.services import wait_for
from tests.unit.backend.conftest import Make, Pushed


def broken(fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Make the next builds fail, as often as ``times`` says."""
    render, fails = fragments._render, [1] * times

    def flaky(*arguments: Any) -> str:
        if fails:
            fails.pop()
            raise RuntimeError("not today")
        return render(*arguments)

    monkeypatch.setattr(fragments, "_render", flaky)


def test_a_failed_build_is_recorded_in_redis_with_the_time_of_its_next_attempt(
    make: Make, sticky: Widget, fragments: FragmentStore, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(fragments, monkeypatch, 1)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    # Longer than any build on a busy machine: a request that is due once a build ends is for another one, and stays.
    monkeypatch.setattr(fragments_module, "RETRY", (300.0, 3600.0))
    rebuilder, began = make(interval=0.0), time.time()
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the failure")
    fragment = fragments.read(sticky)
    assert fragment is not None
    assert (fragment.state, fragment.failures) == ("failed", 1)
    assert store.zscore(KEY, str(sticky.id)) == pytest.approx(fragment.due)
    assert began + 599 < fragment.due < time.time() + 600
    rebuilder.request(sticky.id, [ALL])
    wait_for(rebuilder.idle, "the success")
    assert store.zcard(KEY) == 0


def test_a_build_clears_the_pending_marks_from_before_it_and_no_later_ones(
    make: Make,
    sticky: Widget,
    schedule: BuildSchedule,
    store: fakeredis.FakeRedis,
    fragments: FragmentStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = fragments.make

    def touched_meanwhile(*arguments: Any) -> Fragment:
        schedule.mark_pending([sticky.id])
        return build(*arguments)

    rebuilder = make(interval=0.0)
    schedule.mark_pending([sticky.id])
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the first build")
    assert store.zcard(KEY) == 0
    schedule.mark_pending([sticky.id])
    monkeypatch.setattr(fragments, "make", touched_meanwhile)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the second build")
    assert store.zrange(KEY, 0, -1) == [f"m{sticky.id}".encode()]
    schedule.mark_pending([sticky.id + 1000])
    rebuilder.request(sticky.id + 1000)
    wait_for(lambda: store.zcard(KEY) == 1, "the widget that is gone to be forgotten")


def test_a_failed_build_is_retried_even_while_redis_is_unavailable(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments_module, "RETRY", (0.05, 1.0))
    broken(fragments, monkeypatch, 2)
    rebuilder = make(interval=0.0, schedule=BuildSchedule(unavailable))
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events and pushed.events[-1]["state"] == "live", "the widget to recover")
    assert pushed.events[0]["state"] == "failed"
    assert rebuilder.counts["failed"] == 2


def unavailable() -> redis.Redis:
    raise redis.ConnectionError("gone")


def test_a_hanging_build_is_abandoned_and_other_widgets_are_built(
    make: Make, sticky: Widget, team: Hub, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fragments.build(sticky)
    render, released, started = fragments._render, threading.Event(), []

    def hanging(widget_type: Any, row: Widget, *rest: Any) -> str:
        if row.id == sticky.id and not released.is_set():
            started.append(1)
            released.wait(20)
        return render(widget_type, row, *rest)

    monkeypatch.setattr(fragments, "_render", hanging)
    rebuilder = make(interval=0.0, budget=0.3)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["failed"], "the end of the budget")
    stale = fragments.read(sticky)
    assert stale is not None
    assert (stale.html, stale.state, stale.failures) == (good.html, "stale", 1)
    assert "no content within 0.3 s" in stale.error
    rebuilder.request(sticky.id)  # does not start while the first thread is stuck
    others = [row.id for row in team.widgets if row.id != sticky.id]
    for widget in others:
        rebuilder.request(widget)
    wait_for(lambda: rebuilder.counts["built"] >= len(others), "the others")
    assert len(started) == 1
    released.set()
    wait_for(rebuilder.idle, "the one that was stuck")
    fresh = fragments.read(sticky)
    assert fresh is not None
    assert fresh.state == "live"
    states = [event["state"] for event in pushed.events if event["widget"] == sticky.id]
    assert (states[0], states[-1]) == ("stale", "live")


def test_a_build_that_lost_its_lock_overwrites_nothing(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, render = make(interval=0.0), fragments._render
    newer = fragments.build(sticky)

    def slow(*arguments: Any) -> str:
        # Meanwhile the lock expired, and another process acquired it.
        fragments.cache.set(f"b:{sticky.id}", b"another owner", 60)
        return render(*arguments) + "<p>old</p>"

    monkeypatch.setattr(fragments, "_render", slow)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    assert fragments.read(sticky) == newer
    assert (rebuilder.counts["overtaken"], pushed.events) == (1, [])
    assert fragments.cache.get(f"b:{sticky.id}") == b"another owner"


def test_a_thread_survives_any_error(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder = make(interval=0.0)
    with monkeypatch.context() as patched:
        patched.setattr(fragments, "lock", lambda row: 1 / 0)
        for _ in range(5):
            rebuilder.request(sticky.id)
            wait_for(rebuilder.idle, "the end of it")
    assert rebuilder.counts["failed"] == 5
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events, "a good build")
    assert all(thread.is_alive() for thread in rebuilder._threads)


@pytest.mark.usefixtures("german")
def test_an_abandoned_build_is_pushed_in_every_watched_language(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "make", lambda *arguments: time.sleep(1.0))
    rebuilder, pushed.locales = make(interval=0.0, budget=0.2), {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: len(pushed.events) == 2, "both pushes")
    assert {event["state"] for event in pushed.events} == {"failed"}


def add_slow_widgets(session: Session, hub: Hub, number: int) -> list[Widget]:
    """Add widgets that need an external service."""
    rows = [Widget(plugin="rss", side="left", position=20 + n, settings={}, version=1) for n in range(number)]
    hub.widgets.extend(rows)
    session.commit()
    return rows


def test_slow_builds_do_not_delay_quick_ones(
    make: Make, team: Hub, sticky: Widget, session: Session, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = add_slow_widgets(session, team, 12)
    build, started, go_on = fragments.make, [], threading.Event()

    def hang(row: Widget, *arguments: Any) -> Fragment:
        if row.plugin == "rss":
            started.append(row.id)
            go_on.wait(30)
        return build(row, *arguments)

    monkeypatch.setattr(fragments, "make", hang)
    rebuilder = make(interval=0.0, budget=60.0)
    for row in waiting:
        rebuilder.request(row.id)
    wait_for(lambda: len(started) == 3, "every slow thread to be taken")
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["built"] == 1, "the build that needs no other service")
    wait_for(lambda: len(rebuilder) == len(waiting), "its end")
    go_on.set()
    wait_for(rebuilder.idle, "all others")
    assert rebuilder.counts["built"] == len(waiting) + 1
    assert sorted(started) == sorted(row.id for row in waiting)  # each once


def test_requests_for_a_waiting_slow_widget_are_one_build_and_interactive_ones_come_first(
    make: Make, team: Hub, session: Session, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    *first, slow, changed = (row.id for row in add_slow_widgets(session, team, 5))
    build, started, go_on = fragments.make, [], threading.Semaphore(0)

    def hang(row: Widget, locale: str, stale: Any) -> Fragment:
        started.append((row.id, len(list(stale))))
        go_on.acquire(timeout=30)
        return build(row, locale, stale)

    monkeypatch.setattr(fragments, "make", hang)
    rebuilder = make(interval=0.0, budget=60.0)
    for widget in first:
        rebuilder.request(widget)
    wait_for(lambda: len(started) == 3, "every slow thread to be taken")
    for waiting, widget in enumerate((slow, changed), 1):
        rebuilder.request(widget)
        wait_for(lambda waiting=waiting: rebuilder._queued_slow.qsize() == waiting, "the widget to wait")
    rebuilder.request(slow, [0])
    rebuilder.request(changed, [0], interactive=True)
    for number in (4, 5):
        go_on.release()
        wait_for(lambda number=number: len(started) == number, "the next build")
    go_on.release(5)
    wait_for(rebuilder.idle, "all builds")
    assert started[3:] == [(changed, 1), (slow, 1)]


def test_stop_returns_the_widgets_that_wait_for_a_slow_thread(
    make: Make, team: Hub, session: Session, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = add_slow_widgets(session, team, 5)
    started, go_on = [], threading.Event()
    monkeypatch.setattr(fragments, "make", lambda row, *arguments: (started.append(row.id), go_on.wait(30)))
    rebuilder = make(interval=0.0, budget=60.0)
    for row in waiting:
        rebuilder.request(row.id)
    wait_for(lambda: len(started) == 3, "every slow thread to be taken")
    assert set(rebuilder.stop(0.0)) == {row.id for row in waiting}
    go_on.set()
