"""Full lists, calendar files and previews: made soon or in the background, and never by holding up a request."""

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
    """Answers with a feed once it is released; counts who waits."""

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
    found = Slow(upstream)
    yield found
    found.released.set()


@pytest.fixture
def row(session: Session, team: Hub, upstream: Upstream) -> Widget:
    return add(session, team, "rss", url=upstream.url + FEED)


@pytest.fixture
def make(fragments: FragmentStore, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    pools: list[BoundedThreadPool] = []
    monkeypatch.setattr(engine_module, "PATIENCE", 0.2)

    def make(size: int = 4, budget: float = 30.0, most_lost: int = 16) -> BackgroundJobs:
        pools.append(BoundedThreadPool("job", size, budget, most_lost))
        return BackgroundJobs(fragments, database, JobEngine(pools[-1], {SIDE: size}))

    yield make
    for pool in pools:
        pool.stop(5)


def test_a_list_that_comes_soon_is_given_at_once(make: Make, slow: Slow, row: Widget) -> None:
    slow.released.set()
    jobs = make()
    page = wait_for(lambda: jobs.page(row, 1), "the list")
    assert "High water" in str(page)


def test_who_does_not_wait_finds_the_list_the_next_time(
    make: Make, slow: Slow, row: Widget, upstream: Upstream
) -> None:
    jobs = make()
    assert jobs.page(row, 1) is None
    assert jobs.page(row, 1) is None
    slow.released.set()
    assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))
    assert upstream.paths() == [FEED]


def test_one_widget_is_asked_for_once_whatever_pages_of_it_are_wanted(make: Make, slow: Slow, row: Widget) -> None:
    jobs = make(size=8)
    for number in range(1, 6):
        assert jobs.page(row, number) is None
    assert jobs.calendar(row) is None
    wait_for(lambda: slow.most, "the question")
    assert slow.most == 1
    assert len(jobs._engine) == 1


def test_widgets_that_ask_nobody_do_not_wait_for_those_that_do(
    make: Make, slow: Slow, row: Widget, session: Session, team: Hub
) -> None:
    jobs = make(size=1)
    assert jobs.page(row, 1) is None
    other = next(one for one in team.widgets if one.plugin == "members")
    assert "owner" in str(jobs.page(other, 1))
    busy = add(session, team, "rss", url=row.settings["url"])
    assert jobs.page(busy, 1) is None  # no thread is free, and nothing is queued
    assert len(jobs._engine) == 1


def test_what_takes_too_long_is_given_up_and_not_begun_again_while_it_is_stuck(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make(budget=1.5)
    assert jobs.page(row, 1) is None
    wait_for(lambda: jobs._kept(next(iter(jobs._engine._jobs))), "the end of the budget")
    with pytest.raises(Unavailable, match="took too long"):
        jobs.page(row, 1)
    with pytest.raises(Unavailable, match="took too long"):
        jobs.page(row, 2)  # another page of the same list would be stuck as well
    assert slow.most == 1
    slow.released.set()
    assert "High water" in str(wait_for(lambda: _settled(jobs, row), "the late list"))


def _settled(jobs: BackgroundJobs, row: Widget) -> str | None:
    try:
        return jobs.page(row, 1)
    except Unavailable:
        return None


def test_what_a_service_refuses_is_told_and_not_asked_for_again_at_once(
    make: Make, row: Widget, upstream: Upstream
) -> None:
    upstream.on(FEED, Reply("", 403))
    jobs = make()
    for _ in range(3):
        with pytest.raises(UpstreamError, match="denied access"):
            wait_for(lambda: jobs.page(row, 1), "the refusal")
    assert upstream.paths() == [FEED]


def test_a_list_that_is_not_that_long_has_no_such_page(make: Make, slow: Slow, row: Widget) -> None:
    slow.released.set()
    with pytest.raises(NotFound, match="no such page"):
        wait_for(lambda: make().page(row, 2), "the answer")


def test_a_widget_that_breaks_is_told_without_its_secrets(
    make: Make, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> str:
        raise ValueError("a secret")

    monkeypatch.setattr(fragments, "_render", broken)
    with pytest.raises(Unavailable, match="could not be created") as caught:
        wait_for(lambda: make().page(row, 1), "the answer")
    assert "secret" not in str(caught.value)


def test_when_the_box_is_built_anew_so_is_its_list(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore
) -> None:
    slow.released.set()
    jobs = make()
    assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))
    slow.titles = ("Low water",)
    assert "High water" in str(jobs.page(row, 1))
    fragments.build(row, stale=fragments.registry.get("rss").functions)  # type: ignore[union-attr]
    assert "Low water" in str(wait_for(lambda: jobs.page(row, 1), "the new list"))


def test_what_changed_before_it_could_be_made_is_not_shown_to_who_asked_before(
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


def test_a_damaged_outcome_is_made_anew(make: Make, slow: Slow, row: Widget, fragments: FragmentStore) -> None:
    slow.released.set()
    jobs, store = make(), fragments.cache
    wait_for(lambda: jobs.page(row, 1), "the list")
    kept: list[str] = []
    get = store.get

    def remember(key: str) -> bytes | None:
        kept.extend([key] if key.startswith("o:") else [])
        return get(key)

    fragments.cache.get = remember  # type: ignore[method-assign]
    jobs.page(row, 1)
    fragments.cache.get = get  # type: ignore[method-assign]
    for damaged in (b"", b"nonsense", b'-["SystemExit", "x"]', b"-{}"):
        store.set(kept[0], damaged, 60)
        assert "High water" in str(wait_for(lambda: jobs.page(row, 1), "the list"))


def test_without_a_cache_a_list_is_found_in_the_process_that_made_it(
    make: Make, slow: Slow, row: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "cache", NullCache())
    monkeypatch.setattr(fragments.public, "_cache", NullCache())
    jobs = make()
    assert jobs.page(row, 1) is None
    slow.released.set()
    wait_for(lambda: not len(jobs._engine), "the end")
    assert "High water" in str(jobs.page(row, 1))
    for number in range(2, 20):
        jobs._of_widget(row, f"thing {number}", "en", lambda one: b"x" * 10)
    assert len(jobs._own) <= side_jobs.OWN


def preview(jobs: BackgroundJobs, session: Session, registry: Registry, hub: Hub, **values: object) -> previews.Preview:
    found = registry.get("rss")
    assert found is not None
    return previews.render(session, jobs, hub, found, values, {}, "", "left", "en")


def test_a_preview_that_takes_long_is_found_the_next_time_and_leaves_no_trace(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs, settings = make(), {"url": upstream.url + FEED, "count": 5}
    first = preview(jobs, session, registry, team, **settings)
    assert (first.fragment, first.being_made) == (None, True)
    slow.released.set()
    found = wait_for(lambda: preview(jobs, session, registry, team, **settings).fragment, "the preview")
    assert "High water" in found.html  # type: ignore[attr-defined]
    assert upstream.paths() == [FEED]
    other = preview(jobs, session, registry, team, **{**settings, "count": 1})
    assert other.being_made or other.fragment is not None
    wait_for(lambda: not len(jobs._engine), "the end")
    assert session.query(Widget).filter_by(key="preview").count() == 0


def test_a_preview_that_takes_too_long_says_so_and_the_form_stays(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs, settings = make(budget=1.5), {"url": upstream.url + FEED, "count": 5}
    assert preview(jobs, session, registry, team, **settings).being_made
    found = wait_for(lambda: preview(jobs, session, registry, team, **settings).problem, "the end of the budget")
    assert "took too long" in str(found)


def test_previews_on_one_hub_are_few_at_once(
    make: Make, slow: Slow, session: Session, registry: Registry, team: Hub, upstream: Upstream
) -> None:
    jobs = make(size=8)
    for count in range(1, 6):
        assert preview(jobs, session, registry, team, url=upstream.url + FEED, count=count).being_made
    assert len(jobs._engine) == side_jobs.PREVIEWS
