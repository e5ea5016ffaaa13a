"""A page that many people open at once is rendered once, and nobody gets more by waiting than by coming later."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.models import Hub, Visibility
from hubs.views.page_cache import render, turns
from hubs.views.page_cache.turns import Turns
from tests.unit.conftest import as_person
from tests.unit.views.page_cache.test_middleware import PAGE, page, patience, prepare, queries  # noqa: F401 - fixtures

#: Seconds after which a test that waits for something has failed.
LONG = 20.0


class Rendering:
    """Renders pages, each only once `go` is set; counts them."""

    def __init__(self, original: Callable[..., str]) -> None:
        self.original, self.pages = original, 0
        self.began, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def __call__(self, template: str, **values: Any) -> str:
        if template == "hub.html":
            self.pages += 1
            self.began.set()
            assert self.go.wait(LONG)
            error, self.error = self.error, None
            if error is not None:
                raise error
        return self.original(template, **values)


@pytest.fixture
def rendering(monkeypatch: pytest.MonkeyPatch) -> Rendering:
    """Control when pages are rendered, and let others wait for them as long as it takes."""
    control = Rendering(render.render_template)
    monkeypatch.setattr(render, "render_template", control)
    monkeypatch.setattr(turns, "PATIENCE", LONG)
    return control


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Count the requests that found no page, and asked whose turn it is."""
    arrived, begin = threading.Semaphore(0), Turns.begin

    def counted(self: Turns, key: object) -> bool:
        arrived.release()
        return begin(self, key)  # type: ignore[arg-type]

    monkeypatch.setattr(Turns, "begin", counted)
    return arrived


@pytest.fixture
def people() -> Iterator[ThreadPoolExecutor]:
    """Open pages at the same time."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def crowd(
    app: Flask,
    client: FlaskClient,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    rendering: Rendering,
    arrivals: threading.Semaphore,
    people: ThreadPoolExecutor,
) -> Iterator[list[Future[str]]]:
    """Give the answers to four visitors of a page that has changed: the first renders it, the others wait."""
    rendering.go.set()
    prepare(client, queries)
    rendering.go.clear()
    rendering.began.clear()
    rendering.pages = 0
    hub_actions.update(session, as_person(session, "owner"), otters, {"summary": "We dive."})
    session.commit()
    while arrivals.acquire(blocking=False):
        pass
    opened = [people.submit(page, app.test_client())]
    assert rendering.began.wait(LONG)
    opened += [people.submit(page, app.test_client()) for _ in range(3)]
    for _ in range(4):
        assert arrivals.acquire(timeout=LONG)
    yield opened
    rendering.go.set()


def test_a_page_that_many_open_at_once_is_rendered_once(crowd: list[Future[str]], rendering: Rendering) -> None:
    rendering.go.set()
    assert ["We dive." in answer.result(LONG) for answer in crowd] == [True] * 4
    assert rendering.pages == 1


def test_waiting_for_a_page_shows_nothing_that_was_hidden_meanwhile(
    crowd: list[Future[str]], session: Session, otters: Hub, rendering: Rendering
) -> None:
    hub_actions.update(session, as_person(session, "owner"), otters, {"visibility": Visibility.MEMBERS})
    session.commit()
    rendering.go.set()
    assert ["We dive." in answer.result(LONG) for answer in crowd[1:]] == [False] * 3


def test_a_page_that_failed_is_rendered_for_those_who_waited(crowd: list[Future[str]], rendering: Rendering) -> None:
    rendering.error = RuntimeError("the template is broken")
    rendering.go.set()
    assert ["We dive." in answer.result(LONG) for answer in crowd] == [False, True, True, True]
    assert rendering.pages == 2


def test_a_page_that_changed_again_is_rendered_once_more(
    crowd: list[Future[str]], session: Session, otters: Hub, rendering: Rendering
) -> None:
    hub_actions.update(session, as_person(session, "owner"), otters, {"summary": "We float."})
    session.commit()
    rendering.go.set()
    assert ["We float." in answer.result(LONG) for answer in crowd[1:]] == [True] * 3
    assert rendering.pages == 2


def test_nobody_waits_for_long(
    app: Flask, crowd: list[Future[str]], rendering: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    monkeypatch.setattr(render, "render_template", rendering.original)
    assert "We dive." in page(app.test_client())
    assert not crowd[0].done()


def test_readers_of_another_audience_do_not_wait(
    app: Flask, crowd: list[Future[str]], rendering: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "render_template", rendering.original)
    german = app.test_client()
    german.set_cookie("hubs-language", "de")
    assert '<html lang="de"' in page(german)
    assert not crowd[0].done()


def test_a_turn_that_is_over_is_the_next_ones() -> None:
    line = Turns()
    for _ in range(2):
        assert line.begin(PAGE)
        line.end(PAGE)
