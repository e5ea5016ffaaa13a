"""Full lists, calendar files and previews: rendered quickly or in the background, never blocking a request."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions.layout import previews
from hubs.cache import NullCache
from hubs.errors import NotFound, Unavailable, UpstreamError
from hubs.fragments import jobs as engine_module
from hubs.fragments import side_jobs
from hubs.fragments.jobs import JobEngine
from hubs.fragments.side_jobs import SIDE, BackgroundJobs
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub, Widget
from hubs.widgets.registry import Registry
from tests.services import wait_for
from tests.unit.widgets.test_paging import add
from tests.upstream import Asked, Reply, Upstream

Make = Callable[..., BackgroundJobs]
FEED = "/feed.xml"


def feed(*titles: str) -> str:
    items = "".join(f"<item><title>{title}</title></item>" for title in titles)
    return f'<rss version="2.0"><channel><title>Tide news</title>{items}</channel></rss>'


class Slow:
    """Answers with a feed once it is released; counts concurrent requests."""

    def __init__(self, upstream: Upstream, *titles: str) -> None:
        self.released, self.titles, self.most = threading.Event(), titles or ("High water",), 0
        self._waiting, self._lock = 0, threading.Lock()
        upstream.on(FEED, self._answer)

    def _answer(self, asked: Asked) -> Reply:
        with self._lock:
            self._waiting += 1
            self.most = max(self.most, self._waiting)
        self.released.wait(30)
        with self._lock:
            self._waiting -= 1
        return Reply(feed(*self.titles), headers={"Content-Type": "application/rss+xml"})


@pytest.fixture
def slow(upstream: Upstream) -> Iterator[Slow]:
    service = Slow(upstream)
    yield service
    service.released.set()


@pytest.fixture
def row(session: Session, team: Hub, upstream: Upstream) -> Widget:
    return add(session, team, "rss", url=upstream.url + FEED)


@pytest.fixture
def make(fragments: FragmentStore, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    pools: list[BoundedThreadPool] = []
    monkeypatch.setattr(engine_module, "PATIENCE", 0.2)

    def make(size: int = 4, budget: float = 30.0, max_abandoned: int = 16) -> BackgroundJobs:
        pools.append(BoundedThreadPool("job", size, budget, max_abandoned))
        return BackgroundJobs(fragments, database, JobEngine(pools[-1], {SIDE: size}))

    yield make
    for pool in pools:
        pool.stop(5)


def test_a_list_that_is_rendered_quickly_is_returned_at_once(make: Make, slow: Slow, row: Widget) -> None:
    slow.released.set()
    jobs = make()
    page = wait_for(lambda: jobs.page(row, 1), "the list")
    assert "High water" in str(page)


def test_a_later_request_finds_the_list_that_an_earlier_one_started(
    make: Make, slow: Slow, row: Widget, upstream: Upstream
) -> None:
    jobs = make()
    assert jobs.page(row, 1) is None
    assert jobs.page(row, 1) is None
    slow.released.set()
    assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))
    assert upstream.paths() == [FEED]


def test_requests_for_several_pages_of_a_widget_run_one_job(make: Make, slow: Slow, row: Widget) -> None:
    jobs = make(size=8)
    for number in range(1, 6):
        assert jobs.page(row, number) is None
    assert jobs.calendar(row) is None
    wait_for(lambda: slow.most, "the question")
    assert slow.most == 1
    assert len(jobs._engine) == 1


def test_widgets_without_upstream_requests_do_not_wait_for_those_with_them(
    make: Make, slow: Slow, row: Widget, session: Session, team: Hub
) -> None:
    jobs = make(size=1)
    assert jobs.page(row, 1) is None
    other = next(widget for widget in team.widgets if widget.plugin == "members")
    assert "owner" in str(jobs.page(other, 1))
    busy = add(session, team, "rss", url=row.settings["url"])
    assert jobs.page(busy, 1) is None  # no thread is free, and nothing is queued
    assert len(jobs._engine) == 1


def test_a_job_that_times_out_is_not_started_again_while_its_thread_is_stuck(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make(budget=1.5)
    assert jobs.page(row, 1) is None
    wait_for(lambda: jobs._stored(next(iter(jobs._engine._jobs))), "the time limit")
    with pytest.raises(Unavailable, match="took too long"):
        jobs.page(row, 1)
    with pytest.raises(Unavailable, match="took too long"):
        jobs.page(row, 2)  # another page of the same list would be stuck as well
    assert slow.most == 1
    slow.released.set()
    assert "High water" in str(wait_for(lambda: _page_or_none(jobs, row), "the late list"))


def _page_or_none(jobs: BackgroundJobs, row: Widget) -> str | None:
    try:
        return jobs.page(row, 1)
    except Unavailable:
        return None


def test_a_refusal_of_the_service_is_reported_and_not_retried_at_once(
    make: Make, row: Widget, upstream: Upstream
) -> None:
    upstream.on(FEED, Reply("", 403))
    jobs = make()
    for _ in range(3):
        with pytest.raises(UpstreamError, match="denied access"):
            wait_for(lambda: jobs.page(row, 1), "the refusal")
    assert upstream.paths() == [FEED]


def test_a_page_beyond_the_end_of_the_list_is_not_found(make: Make, slow: Slow, row: Widget) -> None:
    slow.released.set()
    with pytest.raises(NotFound, match="no such page"):
        wait_for(lambda: make().page(row, 2), "the answer")


def test_the_error_of_a_broken_widget_is_reported_without_its_text(
    make: Make, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> str:
        raise ValueError("a secret")

    monkeypatch.setattr(fragments, "_render", broken)
    with pytest.raises(Unavailable, match="could not be created") as caught:
        wait_for(lambda: make().page(row, 1), "the answer")
    assert "secret" not in str(caught.value)


def test_a_build_of_the_widget_also_renews_its_list(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore
) -> None:
    slow.released.set()
    jobs = make()
    assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))
    slow.titles = ("Low water",)
    assert "High water" in str(jobs.page(row, 1))
    fragments.build(row, stale=fragments.registry.get("rss").functions)  # type: ignore[union-attr]
    assert "Low water" in str(wait_for(lambda: jobs.page(row, 1), "the new list"))


def test_a_widget_that_changes_before_rendering_is_not_shown_to_the_earlier_request(
    make: Make, row: Widget, database: Database, monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    jobs = make()
    state = row.version
    with database.transaction() as other:
        other.get_one(Widget, row.id).version += 1
    assert row.version == state  # as it was read when the request began
    with pytest.raises(Unavailable, match="has just changed"):
        wait_for(lambda: jobs.page(row, 1), "the answer")
    assert upstream.paths() == []


def test_a_damaged_result_is_computed_again(make: Make, slow: Slow, row: Widget, fragments: FragmentStore) -> None:
    slow.released.set()
    jobs, store = make(), fragments.cache
    wait_for(lambda: jobs.page(row, 1), "the list")
    keys: list[str] = []
    get = store.get

    def record(key: str) -> bytes | None:
        keys.extend([key] if key.startswith("o:") else [])
        return get(key)

    fragments.cache.get = record  # type: ignore[method-assign]
    jobs.page(row, 1)
    fragments.cache.get = get  # type: ignore[method-assign]
    for damaged in (b"", b"nonsense", b'-["SystemExit", "x"]', b"-{}"):
        store.set(keys[0], damaged, 60)
        assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))


def test_without_a_cache_the_process_keeps_its_own_results(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "cache", NullCache())
    monkeypatch.setattr(fragments.public, "_cache", NullCache())
    jobs = make()
    assert jobs.page(row, 1) is None
    slow.released.set()
    wait_for(lambda: not len(jobs._engine), "the job to end")
    assert "High water" in str(jobs.page(row, 1))
    for number in range(2, 20):
        jobs._of_widget(row, f"thing {number}", "en", lambda widget: b"x" * 10)
    assert len(jobs._in_memory) <= side_jobs.IN_MEMORY


def preview(jobs: BackgroundJobs, session: Session, registry: Registry, hub: Hub, **values: object) -> previews.Preview:
    rss = registry.get("rss")
    assert rss is not None
    return previews.render(session, jobs, hub, rss, values, {}, "", "left", "en")


def test_a_slow_preview_is_found_by_the_next_request_and_leaves_no_row(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs, settings = make(), {"url": upstream.url + FEED, "count": 5}
    first = preview(jobs, session, registry, team, **settings)
    assert (first.fragment, first.being_made) == (None, True)
    slow.released.set()
    fragment = wait_for(lambda: preview(jobs, session, registry, team, **settings).fragment, "the preview")
    assert "High water" in fragment.html  # type: ignore[attr-defined]
    assert upstream.paths() == [FEED]
    other = preview(jobs, session, registry, team, **{**settings, "count": 1})
    assert other.being_made or other.fragment is not None
    wait_for(lambda: not len(jobs._engine), "the job to end")
    assert session.query(Widget).filter_by(key="preview").count() == 0


def test_a_preview_that_times_out_says_so_beside_the_form(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs, settings = make(budget=1.5), {"url": upstream.url + FEED, "count": 5}
    assert preview(jobs, session, registry, team, **settings).being_made
    problem = wait_for(lambda: preview(jobs, session, registry, team, **settings).problem, "the time limit")
    assert "took too long" in str(problem)


def test_concurrent_previews_on_one_hub_are_limited(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs = make(size=8)
    for count in range(1, 6):
        assert preview(jobs, session, registry, team, url=upstream.url + FEED, count=count).being_made
    assert len(jobs._engine) == side_jobs.PREVIEWS
