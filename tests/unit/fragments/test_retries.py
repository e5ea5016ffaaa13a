"""Retries of failed builds: exponential back-off with full jitter, after any Retry-After of the service."""

import time

import fakeredis
import pytest
from sqlalchemy.orm import Session

from hubs import i18n
from hubs.errors import UpstreamUnreachable
from hubs.fragments.fragment import push_mark
from hubs.fragments.jobs import JobEngine
from hubs.fragments.on_demand import FragmentReader
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.fragments.store import RETRY, FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub


@pytest.mark.parametrize(
    ("error", "earliest"),
    [
        (RuntimeError("not today"), 0.0),
        (UpstreamUnreachable("Bodhi is not responding."), 0.0),
        (UpstreamUnreachable("Bodhi is left alone for a while.", retry_after=300.0), 300.0),
    ],
)
def test_the_retry_is_at_a_random_time_up_to_a_growing_bound(
    fragments: FragmentStore, session: Session, team: Hub, error: Exception, earliest: float
) -> None:
    row = team.widgets[0]
    for failures in range(1, 16):
        start = time.time()
        fragment = fragments.give_up(row, error)
        assert fragment.failures == failures
        bound = earliest + min(RETRY[0] * 2.0**failures, RETRY[1])
        assert start + earliest <= fragment.due <= time.time() + bound


def test_widgets_that_failed_together_are_retried_apart(fragments: FragmentStore, session: Session, team: Hub) -> None:
    row, error = team.widgets[0], RuntimeError("not today")
    for _ in range(12):
        fragments.give_up(row, error)
    waits = sorted(fragments.give_up(row, error).due - time.time() for _ in range(40))
    # Of 40 random times, fewer than four are in one half of the range once in 50 million runs.
    assert waits[3] < 0.5 * RETRY[1]
    assert waits[-4] > 0.5 * RETRY[1]


def test_a_service_failure_keeps_the_last_good_content_and_shows_the_error(
    fragments: FragmentStore, session: Session, team: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = team.widgets[0]
    good = fragments.build(row)

    def down(*arguments: object) -> str:
        raise UpstreamUnreachable("Bodhi is left alone for a while.", retry_after=60.0)

    with monkeypatch.context() as patched:
        patched.setattr(fragments, "_render", down)
        fragment = fragments.build(row)
    assert (fragment.html, fragment.state, fragment.built_at) == (good.html, "stale", good.built_at)
    assert fragment.error.endswith("Bodhi is left alone for a while.")
    assert fragment.due >= time.time() + 59
    back = fragments.build(row)
    assert (back.state, back.failures, back.due, back.error) == ("live", 0, 0.0, "")


def test_a_viewer_gets_one_more_build_of_a_failed_widget(
    fragments: FragmentStore, database: Database, session: Session, team: Hub
) -> None:
    row, store = team.widgets[0], fakeredis.FakeRedis()
    schedule = BuildSchedule(lambda: store)
    reader = FragmentReader(fragments, database, schedule, JobEngine(BoundedThreadPool("job", 1, 10.0), {}))
    assert reader.retry(row) == "building"  # nothing failed
    failed = fragments.give_up(row, RuntimeError("not today"))
    schedule.reschedule(row.id, time.time() + 3600)
    marks = [push_mark(row.id, locale) for locale in i18n.locales()]
    for mark in marks:
        fragments.cache.set(mark, failed.digest.encode(), 600)
    lock = fragments.lock(row)
    assert lock is not None
    assert reader.retry(row) == "failed"
    assert store.zscore(KEY, str(row.id)) > time.time() + 3000  # it is being built already
    lock.release()
    assert reader.retry(row) == "failed"
    assert store.zscore(KEY, str(row.id)) <= time.time()
    assert fragments.cache.get_many(marks) == {}  # so that the same failure is pushed again
    schedule.reschedule(row.id, time.time() + 3600)
    assert reader.retry(row) == "failed"
    assert store.zscore(KEY, str(row.id)) > time.time() + 3000  # not so soon again
    fragments.build(row)
    assert reader.retry(row) == "live"
