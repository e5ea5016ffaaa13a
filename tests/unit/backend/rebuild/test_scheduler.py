"""Rebuilding: coalesced, pushed when changed, in the languages that somebody watches."""

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
    assert rebuilder.counts["built"] <= 2 + (took - 0.1) // 0.5  # two, unless the machine was slow to ask
    assert len(pushed.events) == 1  # the content was the same


def test_what_is_asked_for_during_a_build_is_built_once_more(
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
    assert started[1] - started[0] >= 5 * 0.2  # what took long rests for longer


def test_what_took_long_does_not_rest_when_somebody_changes_it(
    make: Make, sticky: Widget, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.REST", 3600.0)
    build = fragments.make
    monkeypatch.setattr(fragments, "make", lambda *arguments: (time.sleep(0.1), build(*arguments))[1])
    waits_for_the_bus_and_not_for_somebody_here(make(interval=0.0), sticky)


def waits_for_the_bus_and_not_for_somebody_here(rebuilder: Rebuilder, row: Widget) -> None:
    rebuilder.request(row.id)
    wait_for(lambda: rebuilder.counts["built"] == 1, "the first build")
    rebuilder.request(row.id)
    assert not rebuilder.idle()
    rebuilder.request(row.id, interactive=True)
    wait_for(lambda: rebuilder.counts["built"] == 2, "the second build")
    wait_for(rebuilder.idle, "the end")


def test_two_builds_that_need_the_processor_do_not_share_it(
    make: Make, team: Hub, fragments: FragmentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubs.backend.rebuild.scheduler.HEAD_START", 30.0)
    rebuilder, build, steps = make(interval=0.0), fragments.make, []

    def noted(row: Widget, *arguments: Any) -> Fragment:
        steps.append(("begun", row.id))
        made = build(row, *arguments)
        steps.append(("ended", row.id))
        return made

    monkeypatch.setattr(fragments, "make", noted)
    ids = [row.id for row in team.widgets if (found := fragments.registry.get(row.plugin)) and found.is_quick]
    for widget in ids:
        rebuilder.request(widget)
    wait_for(rebuilder.idle, "all builds")
    assert len(ids) > 3
    assert steps == [(what, widget) for widget in ids for what in ("begun", "ended")]


def test_who_looks_has_the_news_before_other_languages_are_seen_to(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuilder, forget, seen = make(interval=0.0), fragments.forget, []

    def forget_after(row: Widget, locales: Any) -> None:
        seen.append((len(pushed.events), fragments.building_for(row) is not None))
        forget(row, locales)

    monkeypatch.setattr(fragments, "forget", forget_after)
    rebuilder.request(sticky.id)
    wait_for(rebuilder.idle, "the build")
    assert seen == [(1, True)]  # pushed, and nobody else could push something older in between


def test_what_was_changed_here_does_not_wait_as_long_as_what_the_bus_tells(make: Make, sticky: Widget) -> None:
    waits_for_the_bus_and_not_for_somebody_here(make(interval=3600.0), sticky)


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


def test_what_waits_at_the_end_is_named(make: Make, sticky: Widget) -> None:
    rebuilder = make()
    rebuilder.request(sticky.id, delay=60)
    assert rebuilder.stop(0.1) == [sticky.id]


def test_a_widget_that_another_process_builds_is_left_to_it_and_checked_again(
    make: Make, sticky: Widget, fragments: FragmentStore, pushed: Pushed
) -> None:
    claim, rebuilder = fragments.lock(sticky), make(interval=0.0)
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
    make: Make, sticky: Widget, session: Session, fragments: FragmentStore, pushed: Pushed
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
