"""Rebuilding: coalesced, pushed when changed, in the languages that have viewers."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Hub, Visibility, Widget
from tests.services import wait_for
from tests.unit.backend.conftest import Make, Pushed


def test_a_hundred_requests_at_once_are_two_builds(make: Make, sticky: Widget, pushed: Pushed) -> None:
    rebuilder, start = make(interval=0.5), time.monotonic()
    for _ in range(100):
        rebuilder.request(sticky.id)
        time.sleep(0.001)
    took = max(time.monotonic() - start, 0.1)
    wait_for(rebuilder.idle, "all builds")
    assert rebuilder.counts["asked"] == 100
    assert rebuilder.counts["built"] <= 2 + (took - 0.1) // 0.5  # two, unless the machine was slow
    assert len(pushed.events) == 1  # the content was the same


def test_requests_during_a_build_are_one_more_build(
    make: Make, sticky: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, build, started = make(interval=0.0), fragments.make, []

    def slow(*arguments: Any) -> Fragment:
        started.append(time.monotonic())
        time.sleep(0.2)
        return build(*arguments)

    monkeypatch.setattr(fragments, "make", slow)
    rebuilder.request(sticky.id)
    wait_for(lambda: started, "the first build")
    for _ in range(10):
        rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "all builds")
    assert len(started) == 2
    assert started[1] - started[0] >= 5 * 0.2  # a long build has a long cool-down


def test_the_cool_down_of_a_slow_widget_does_not_delay_an_interactive_change(
    make: Make, sticky: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.REST", 3600.0)
    build = fragments.make
    monkeypatch.setattr(fragments, "make", lambda *arguments: (time.sleep(0.1), build(*arguments))[1])
    assert_only_interactive_requests_are_built_at_once(make(interval=0.0), sticky)


def assert_only_interactive_requests_are_built_at_once(rebuilder: Rebuilder, row: Widget) -> None:
    rebuilder.request(row.id)
    wait_for(lambda: rebuilder.counts["built"] == 1, "the first build")
    rebuilder.request(row.id)
    assert not rebuilder.idle()
    rebuilder.request(row.id, interactive=True)
    wait_for(lambda: rebuilder.counts["built"] == 2, "the second build")
    wait_for(rebuilder.idle, "the end")


def test_quick_builds_run_one_after_another(
    make: Make, team: Hub, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.HEAD_START", 30.0)
    rebuilder, build, steps = make(interval=0.0), fragments.make, []

    def noted(row: Widget, *arguments: Any) -> Fragment:
        steps.append(("started", row.id))
        fragment = build(row, *arguments)
        steps.append(("ended", row.id))
        return fragment

    monkeypatch.setattr(fragments, "make", noted)
    ids = [row.id for row in team.widgets if (kind := fragments.registry.get(row.plugin)) and kind.is_quick]
    for widget in ids:
        rebuilder.request(widget)
    wait_for(rebuilder.idle, "all builds")
    assert len(ids) > 3
    assert steps == [(step, widget) for widget in ids for step in ("started", "ended")]


def test_an_interactive_change_is_built_before_everything_that_waits(
    make: Make, team: Hub, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.HEAD_START", 30.0)
    rebuilder, build, started, goes_on = make(interval=0.0), fragments.make, [], threading.Event()

    def held(row: Widget, *arguments: Any) -> Fragment:
        started.append(row.id)
        goes_on.wait(30)
        return build(row, *arguments)

    monkeypatch.setattr(fragments, "make", held)
    ids = [row.id for row in team.widgets if (kind := fragments.registry.get(row.plugin)) and kind.is_quick]
    assert len(ids) > 3
    rebuilder.request(ids[0])
    wait_for(lambda: started, "the first build")
    for widget in ids[1:]:  # as after an outage: more than can be built at once
        rebuilder.request(widget)
    rebuilder.request(ids[-1], interactive=True)
    goes_on.set()
    wait_for(rebuilder.idle, "all builds")
    assert started == [ids[0], ids[-1], *ids[1:-1]]


def test_a_fragment_is_pushed_before_other_languages_are_dropped(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, forget, seen = make(interval=0.0), fragments.forget, []

    def forget_after(row: Widget, locales: Any) -> None:
        seen.append((len(pushed.events), fragments.building_for(row) is not None))
        forget(row, locales)

    monkeypatch.setattr(fragments, "forget", forget_after)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    assert seen == [(1, True)]  # pushed, under a lock, so nothing older can be pushed in between


def test_the_interval_does_not_delay_an_interactive_change(make: Make, sticky: Widget) -> None:
    assert_only_interactive_requests_are_built_at_once(make(interval=3600.0), sticky)


def test_a_widget_that_nobody_has_open_waits_longer_between_two_builds(
    make: Make, sticky: Widget, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.UNSEEN", 1e6)
    rebuilder = make(interval=0.01)
    assert_only_interactive_requests_are_built_at_once(rebuilder, sticky)
    rebuilder.request(sticky.id)
    assert rebuilder.unseen() == {sticky.id: sticky.hub_id}

    pushed.locales = {"en"}
    rebuilder.request(sticky.id, interactive=True)
    wait_for(rebuilder.idle, "the build for its viewer")
    assert rebuilder.unseen() == {}
    built = rebuilder.counts["built"]
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["built"] == built + 1, "another build")


def test_content_is_pushed_when_it_changed_even_if_the_web_app_built_it_first(
    make: Make, sticky: Widget, session: Session, fragments: FragmentStore, pushed: Pushed
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
def test_content_is_pushed_to_its_audience_only(
    make: Make, sticky: Widget, session: Session, pushed: Pushed, outer: str, inner: str, audience: str
) -> None:
    sticky.hub.visibility, sticky.visibility = Visibility(outer), Visibility(inner)
    session.commit()
    make(interval=0.0).request(sticky.id)
    wait_for(lambda: pushed.events, "the push")
    assert pushed.channels == [f"hub:{sticky.hub_id}:{audience}:en"]


def test_content_that_could_not_be_pushed_is_pushed_by_the_next_build(
    make: Make, sticky: Widget, pushed: Pushed
) -> None:
    rebuilder, pushed.unavailable = make(interval=0.0), True
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    pushed.unavailable = False
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.events, "the push")
    assert len(pushed.events) == 1


def test_stop_returns_the_widgets_that_wait(make: Make, sticky: Widget) -> None:
    rebuilder = make()
    rebuilder.request(sticky.id, delay=60)
    assert rebuilder.stop(0.1) == [sticky.id]


def test_a_widget_that_another_process_builds_is_left_to_it_and_checked_again(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed
) -> None:
    lock, rebuilder = fragments.lock(sticky), make(interval=0.0)
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.counts["busy"], "a try")
    assert not pushed.events
    assert lock is not None
    lock.release()
    wait_for(lambda: pushed.events, "the build afterwards")
    wait_for(lambda: rebuilder.counts["built"] == 1, "the build to be counted")


def test_a_removed_widget_is_not_built(make: Make, pushed: Pushed, team: Hub) -> None:
    rebuilder = make()
    rebuilder.request(99_999)
    wait_for(rebuilder.idle, "the end of it")
    assert (rebuilder.counts["built"], pushed.events) == (0, [])


@pytest.mark.slow
def test_the_state_of_many_idle_widgets_is_removed(make: Make, team: Hub) -> None:
    rebuilder = make(interval=0.0)
    for number in range(3000):
        rebuilder.request(100_000 + number)
    wait_for(rebuilder.idle, "all of them")
    rebuilder.request(1)
    wait_for(rebuilder.idle, "one more")
    assert len(rebuilder._jobs) < 3000


@pytest.mark.usefixtures("german")
def test_a_widget_is_built_and_pushed_in_each_watched_language(make: Make, sticky: Widget, pushed: Pushed) -> None:
    pushed.locales = {"de", "tlh"}
    make(interval=0.0).request(sticky.id)
    wait_for(lambda: len(pushed.events) == 2, "both pushes")
    assert pushed.channels == [f"hub:{sticky.hub_id}:public:{locale}" for locale in ("en", "de")]
    assert ["angeheftet" in event["html"] for event in pushed.events] == [False, True]
    assert pushed.hints == []


@pytest.mark.usefixtures("german")
def test_a_language_without_viewers_gets_a_hint_and_is_built_by_its_next_reader(
    make: Make, sticky: Widget, session: Session, fragments: FragmentStore, pushed: Pushed
) -> None:
    rebuilder, pushed.locales = make(interval=0.0), {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and len(pushed.events) == 2, "both pushes")
    pushed.locales = set()
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and rebuilder.counts["built"] == 2, "the second build")
    assert pushed.hints == []  # it says the same
    sticky.settings["text"] = "new"
    session.commit()
    fragments.build(sticky, "de")  # as it would be found there
    rebuilder.request(sticky.id)
    wait_for(lambda: rebuilder.idle() and pushed.hints, "the hint")
    assert pushed.hints == [("de", sticky.id)]
    assert fragments.read(sticky, "de") is None
    sticky.settings["text"] = ""
    session.commit()
    pushed.locales = {"de"}
    rebuilder.request(sticky.id)
    wait_for(lambda: pushed.channels.count(f"hub:{sticky.hub_id}:public:de") == 2, "what was pushed before as well")
