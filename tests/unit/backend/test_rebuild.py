"""Rebuilding: coalesced, pushed when changed, tried again when failed."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
import redis
from sqlalchemy.orm import Session

from hubs.backend.build import ALL, Builder
from hubs.backend.rebuild import Rebuilder
from hubs.due import KEY, Due
from hubs.models import Database, Hub, Visibility, Widget
from hubs.widgets import fragments as fragments_module
from hubs.widgets.crew import Crew
from hubs.widgets.fragments import Fragment, Fragments
from tests.services import wait_for


class Pushed:
    """Stands for Redis, which is the outside here; its real self is in the integration tests."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.channels: list[str] = []
        self.away = False
        self.locales: set[str] = set()
        self.told: list[tuple[str, int]] = []

    def watched(self, hub_id: int) -> set[str]:
        return self.locales

    def changed(self, hub_id: int, audience: str, locale: str, widget_id: int, version: int) -> str | None:
        self.told.append((locale, widget_id))
        return "id"

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        if self.away:
            return None
        self.events.append(data)
        self.channels.append(channel)
        return "id"


@pytest.fixture
def pushed() -> Pushed:
    return Pushed()


Make = Callable[..., Rebuilder]


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def due(store: fakeredis.FakeRedis) -> Due:
    return Due(lambda: store)


@pytest.fixture
def make(database: Database, fragments: Fragments, pushed: Pushed, due: Due) -> Iterator[Make]:
    made: list[Rebuilder] = []

    def make(interval: float = 0.3, budget: float = 10.0, due: Due = due) -> Rebuilder:
        builder = Builder(database, fragments, pushed, due, budget)  # type: ignore[arg-type]
        found = Rebuilder(builder, Crew("test", 3, budget), interval)
        found.start()
        made.append(found)
        return found

    yield make
    for found in made:
        found.stop()


@pytest.fixture
def sticky(session: Session, team: Hub) -> Widget:
    return next(row for row in team.widgets if row.plugin == "sticky")


def test_a_hundred_requests_at_once_are_two_builds(make: Make, sticky: Widget, pushed: Pushed) -> None:
    rebuilder = make(interval=0.5)
    for _ in range(100):
        rebuilder.request(sticky.id)
        time.sleep(0.001)
    wait_for(rebuilder.idle, "all builds")
    assert rebuilder.counts["asked"] == 100
    assert rebuilder.counts["built"] <= 2
    assert len(pushed.events) == 1  # the content was the same


def test_what_is_asked_for_during_a_build_is_built_once_more(
    make: Make, sticky: Widget, fragments: Fragments, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, build, started = make(interval=0.0), fragments.build, []

    def slow(*arguments: Any) -> Fragment:
        started.append(time.monotonic())
        time.sleep(0.2)
        return build(*arguments)

    monkeypatch.setattr(fragments, "build", slow)
    rebuilder.request(sticky.id)
    wait_for(lambda: started, "the first build")
    for _ in range(10):
        rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "all builds")
    assert len(started) == 2
    assert started[1] - started[0] >= 0.2


def test_what_was_changed_here_does_not_wait_as_long_as_what_the_bus_tells(make: Make, sticky: Widget) -> None:
    rebuilder = make(interval=3600.0)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["built"] == 1, "the first build")
    rebuilder.request(sticky.id)
    assert not rebuilder.idle()
    rebuilder.request(sticky.id, prompt=True)
    wait_for(lambda: rebuilder.counts["built"] == 2, "the second build")
    wait_for(rebuilder.idle, "the end")


def test_content_is_pushed_when_it_changed_even_if_the_web_app_built_it_first(
    make: Make, sticky: Widget, session: Session, fragments: Fragments, pushed: Pushed
) -> None:
    rebuilder = make(interval=0.0)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and pushed.events, "the first push")
    sticky.settings["text"] = "new"
    sticky.version += 1
    session.commit()
    fragments.build(sticky)  # somebody opened the page
    rebuilder.request(sticky.id)
    wait_for(lambda: len(pushed.events) == 2, "the second push")
    assert (pushed.events[1]["version"], "new" in pushed.events[1]["html"]) == (2, True)
    assert "error" not in pushed.events[1]


@pytest.mark.parametrize(
    ("outer", "inner", "audience"),
    [("public", "public", "public"), ("public", "members", "members"), ("owners", "signed-in", "owners")],
)
def test_content_is_pushed_to_those_alone_who_may_see_it(
    make: Make, sticky: Widget, session: Session, pushed: Pushed, outer: str, inner: str, audience: str
) -> None:
    sticky.hub.visibility, sticky.visibility = Visibility(outer), Visibility(inner)
    session.commit()
    make(interval=0.0).request(sticky.id)
    wait_for(lambda: pushed.events, "the push")
    assert pushed.channels == [f"hub:{sticky.hub_id}:{audience}:en"]


def test_what_could_not_be_pushed_is_pushed_the_next_time(make: Make, sticky: Widget, pushed: Pushed) -> None:
    rebuilder, pushed.away = make(interval=0.0), True
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    pushed.away = False
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events, "the push")
    assert len(pushed.events) == 1


def broken(fragments: Fragments, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let building fail some times, then succeed."""
    render, fails = fragments._render, [1] * times

    def flaky(*arguments: Any) -> str:
        if fails:
            fails.pop()
            raise RuntimeError("not today")
        return render(*arguments)

    monkeypatch.setattr(fragments, "_render", flaky)


def test_a_failed_build_is_noted_in_redis_with_the_moment_of_its_next_try(
    make: Make, sticky: Widget, fragments: Fragments, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(fragments, monkeypatch, 1)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    rebuilder = make(interval=0.0)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the failure")
    found = fragments.read(sticky)
    assert found is not None
    assert (found.state, found.failures) == ("failed", 1)
    assert store.zscore(KEY, str(sticky.id)) == pytest.approx(found.due)
    assert time.time() + 3 < found.due < time.time() + 4
    rebuilder.request(sticky.id, [ALL])
    wait_for(rebuilder.idle, "the success")
    assert store.zcard(KEY) == 0


def test_a_build_takes_back_what_messages_touched_before_it_and_no_more(
    make: Make,
    sticky: Widget,
    due: Due,
    store: fakeredis.FakeRedis,
    fragments: Fragments,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build = fragments.build

    def touched_meanwhile(*arguments: Any) -> Fragment:
        due.touch([sticky.id])
        return build(*arguments)

    rebuilder = make(interval=0.0)
    due.touch([sticky.id])
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the first build")
    assert store.zcard(KEY) == 0
    due.touch([sticky.id])
    monkeypatch.setattr(fragments, "build", touched_meanwhile)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the second build")
    assert store.zrange(KEY, 0, -1) == [f"m{sticky.id}".encode()]
    due.touch([sticky.id + 1000])
    rebuilder.request(sticky.id + 1000)
    wait_for(lambda: store.zcard(KEY) == 1, "the widget that is gone to be forgotten")


def test_while_redis_is_away_a_failed_build_is_tried_again_all_the_same(
    make: Make, sticky: Widget, fragments: Fragments, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments_module, "RETRY", (0.05, 1.0))
    broken(fragments, monkeypatch, 2)
    rebuilder = make(interval=0.0, due=Due(away))
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events and pushed.events[-1]["state"] == "live", "the widget to recover")
    assert pushed.events[0]["state"] == "failed"
    assert rebuilder.counts["failed"] == 2


def away() -> redis.Redis:
    raise redis.ConnectionError("gone")


def test_a_build_that_hangs_is_given_up_and_the_others_go_on(
    make: Make, sticky: Widget, team: Hub, fragments: Fragments, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fragments.build(sticky)
    render, released, begun = fragments._render, threading.Event(), []

    def hanging(found: Any, row: Widget, *rest: Any) -> str:
        if row.id == sticky.id and not released.is_set():
            begun.append(1)
            released.wait(20)
        return render(found, row, *rest)

    monkeypatch.setattr(fragments, "_render", hanging)
    rebuilder = make(interval=0.0, budget=0.3)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["failed"], "the end of the budget")
    kept = fragments.read(sticky)
    assert kept is not None
    assert (kept.html, kept.state, kept.failures) == (good.html, "stale", 1)
    assert "no content within 0.3 s" in kept.error
    rebuilder.request(sticky.id)  # does not begin while the first thread is stuck
    others = [row.id for row in team.widgets if row.id != sticky.id]
    for widget in others:
        rebuilder.request(widget)
    wait_for(lambda: rebuilder.counts["built"] >= len(others), "the others")
    assert len(begun) == 1
    released.set()
    wait_for(rebuilder.idle, "the one that was stuck")
    fresh = fragments.read(sticky)
    assert fresh is not None
    assert fresh.state == "live"
    states = [event["state"] for event in pushed.events if event["widget"] == sticky.id]
    assert (states[0], states[-1]) == ("stale", "live")


def test_a_build_that_comes_back_after_somebody_else_built_overwrites_nothing(
    make: Make, sticky: Widget, fragments: Fragments, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, render, build = make(interval=0.0), fragments._render, fragments.build
    newer = build(sticky)

    def slow(*arguments: Any) -> str:
        # Meanwhile the claim ended, and another process took it.
        fragments.cache.set(f"b:{sticky.id}", b"another owner", 60)
        return render(*arguments) + "<p>old</p>"

    monkeypatch.setattr(fragments, "_render", slow)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    assert fragments.read(sticky) == newer
    assert (rebuilder.counts["overtaken"], pushed.events) == (1, [])
    assert fragments.cache.get(f"b:{sticky.id}") == b"another owner"


def test_what_waits_at_the_end_is_named(make: Make, sticky: Widget) -> None:
    rebuilder = make()
    rebuilder.request(sticky.id, delay=60)
    assert rebuilder.stop(0.1) == [sticky.id]


def test_a_widget_that_another_process_builds_is_left_to_it_and_checked_again(
    make: Make, sticky: Widget, fragments: Fragments, pushed: Pushed
) -> None:
    claim, rebuilder = fragments.claim(sticky), make(interval=0.0)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["busy"], "a try")
    assert not pushed.events
    assert claim is not None
    claim.release()
    wait_for(lambda: pushed.events, "the build afterwards")
    assert rebuilder.counts["built"] == 1


def test_a_widget_that_is_gone_is_forgotten(make: Make, pushed: Pushed, team: Hub) -> None:
    rebuilder = make()
    rebuilder.request(99_999)
    wait_for(rebuilder.idle, "the end of it")
    assert (rebuilder.counts["built"], pushed.events) == (0, [])


def test_a_thread_survives_whatever_happens(
    make: Make, sticky: Widget, fragments: Fragments, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder = make(interval=0.0)
    with monkeypatch.context() as patched:
        patched.setattr(fragments, "claim", lambda row: 1 / 0)
        for _ in range(5):
            rebuilder.request(sticky.id)
            wait_for(rebuilder.idle, "the end of it")
    assert rebuilder.counts["failed"] == 5
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events, "a good build")
    assert rebuilder._thread.is_alive()


def test_many_widgets_leave_no_memory_of_themselves(make: Make, team: Hub) -> None:
    rebuilder = make(interval=0.0)
    for number in range(3000):
        rebuilder.request(100_000 + number)
    wait_for(rebuilder.idle, "all of them")
    rebuilder.request(1)
    wait_for(rebuilder.idle, "one more")
    assert len(rebuilder._jobs) < 3000


@pytest.mark.usefixtures("german")
def test_a_widget_is_built_in_the_languages_that_somebody_watches_and_pushed_to_each(
    make: Make, sticky: Widget, pushed: Pushed
) -> None:
    pushed.locales = {"de", "tlh"}
    make(interval=0.0).request(sticky.id)
    wait_for(lambda: len(pushed.events) == 2, "both pushes")
    assert pushed.channels == [f"hub:{sticky.hub_id}:public:{locale}" for locale in ("en", "de")]
    assert ["angeheftet" in event["html"] for event in pushed.events] == [False, True]
    assert pushed.told == []


@pytest.mark.usefixtures("german")
def test_a_language_that_nobody_watches_is_told_of_news_and_built_by_its_next_reader(
    make: Make, sticky: Widget, session: Session, fragments: Fragments, pushed: Pushed
) -> None:
    rebuilder, pushed.locales = make(interval=0.0), {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and len(pushed.events) == 2, "both pushes")
    pushed.locales = set()
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and rebuilder.counts["built"] == 2, "the second build")
    assert pushed.told == []  # it says the same
    sticky.settings["text"] = "new"
    session.commit()
    fragments.build(sticky, "de")  # as it would be found there
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and pushed.told, "the hint")
    assert pushed.told == [("de", sticky.id)]
    assert fragments.read(sticky, "de") is None
    sticky.settings["text"] = ""
    session.commit()
    pushed.locales = {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.channels.count(f"hub:{sticky.hub_id}:public:de") == 2, "what was pushed before as well")


@pytest.mark.usefixtures("german")
def test_a_build_that_is_given_up_is_told_in_every_watched_language(
    make: Make, sticky: Widget, fragments: Fragments, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fragments, "build", lambda *arguments: time.sleep(1.0))
    rebuilder, pushed.locales = make(interval=0.0, budget=0.2), {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: len(pushed.events) == 2, "both pushes")
    assert {event["state"] for event in pushed.events} == {"failed"}
