"""Pages around a widget that takes long: they come at once, and say where the rest will be."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.fragments import jobs, on_demand
from hubs.models import Hub, Widget
from hubs.views.hub import page as hub_view
from tests.services import wait_for
from tests.unit.views.conftest import post, sign_in


@pytest.fixture
def slow(app: Flask, otters: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Widget]:
    """Give a widget that hangs until the end of the test."""
    row = next(row for row in otters.widgets if row.plugin == "sticky")
    fragments, released = app.extensions["hubs"].fragments, threading.Event()
    render = fragments._render

    def hanging(view: Any, widget: Widget, *rest: Any) -> str:
        if widget.id == row.id:
            released.wait(20)
        return render(view, widget, *rest)

    monkeypatch.setattr(fragments, "_render", hanging)
    monkeypatch.setattr(on_demand, "PATIENCE", 0.3)
    monkeypatch.setattr(hub_view, "BUDGET", 1.0)
    yield row
    released.set()
    wait_for(lambda: not len(app.extensions["hubs"].fragment_reader._engine), "the end of the build")


def test_the_page_without_javascript_leaves_out_slow_widgets(client: FlaskClient, otters: Hub, slow: Widget) -> None:
    # On a busy machine the others may take longer than the budget as well.
    wait_for(lambda: client.get("/t/otters/?full=1").get_data(as_text=True).count("data-load=") == 1, "the others")
    start = time.monotonic()
    page = client.get("/t/otters/?full=1").get_data(as_text=True)
    assert time.monotonic() - start < 5
    assert page.count("data-load=") == 1
    assert f'data-load="/w/{slow.id}/fragment"' in page
    assert f'<a href="/w/{slow.id}/">Show this widget</a>' in page
    assert 'content="10; url=?full=1"' in page  # not at once: it would only ask again and again


def test_a_slow_widget_answers_202_with_retry_after(client: FlaskClient, slow: Widget) -> None:
    for path in (f"/w/{slow.id}/fragment", f"/w/{slow.id}/json"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers
    assert client.get(f"/w/{slow.id}/json").json["state"] == "building"
    alone = client.get(f"/w/{slow.id}/")
    assert alone.status_code == 200
    assert f'data-load="/w/{slow.id}/fragment"' in alone.get_data(as_text=True)


def test_a_slow_widget_does_not_delay_those_that_are_requested_with_it(
    client: FlaskClient, otters: Hub, slow: Widget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "PATIENCE", 30)
    others = {row.id for row in otters.widgets} - {slow.id}
    path = f"/t/otters/fragments?{urlencode([('widget', row.id) for row in otters.widgets])}"

    def ids() -> set[int]:
        return {widget["widget"] for widget in client.get(path).json}

    wait_for(lambda: ids() == others, "the others")
    start = time.monotonic()
    assert ids() == others
    assert time.monotonic() - start < 1.2


@pytest.fixture
def asking(app: Flask, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Widget]:
    """Give a widget whose service does not answer until the end of the test."""
    row = Widget(plugin="rss", side="left", settings={"url": "https://tides.example/feed.xml"})
    otters.widgets.append(row)
    session.commit()
    site, released = app.extensions["hubs"], threading.Event()

    def hanging(*arguments: Any) -> None:
        released.wait(20)
        raise ValueError("never answered")

    for name in ("page", "calendar", "preview"):
        monkeypatch.setattr(site.fragments, name, hanging)
    monkeypatch.setattr(jobs, "PATIENCE", 0.2)
    yield row
    released.set()
    wait_for(lambda: not len(site.jobs._engine), "the end of the jobs")


def test_a_slow_list_is_a_page_that_reloads_without_javascript(client: FlaskClient, asking: Widget) -> None:
    answer = client.get(f"/w/{asking.id}/more?page=2")
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.get_data(as_text=True)
    assert f'<meta http-equiv="refresh" content="2; url=/w/{asking.id}/more?page=2">' in page
    assert f'href="/w/{asking.id}/more?page=2">Reload now</a>' in page


def test_a_slow_calendar_answers_503_until_it_is_built(client: FlaskClient, asking: Widget) -> None:
    answer = client.get(f"/w/{asking.id}/calendar.ics")
    assert (answer.status_code, answer.headers["Retry-After"], answer.mimetype) == (503, "2", "text/html")
    assert f'content="2; url=/w/{asking.id}/calendar.ics"' in answer.get_data(as_text=True)


def test_a_slow_preview_keeps_what_was_typed(client: FlaskClient, asking: Widget) -> None:
    sign_in(client, "owner")
    typed = {"url": "https://tides.example/other.xml", "count": "7", "label": "Tide news", "side": "left"}
    answer = post(client, "/t/otters/edit/add/rss", **typed, preview="1")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "data-preview-later>The preview is not ready" in page
    assert 'value="https://tides.example/other.xml"' in page
    assert 'value="Tide news"' in page
    # Nobody has to look at it: it can be put in all the same.
    assert post(client, "/t/otters/edit/add/rss", **typed).status_code == 303
