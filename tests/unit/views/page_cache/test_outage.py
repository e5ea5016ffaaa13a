"""While the database is unavailable: public pages for some seconds, marked with their age, and 503 for the rest."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.fragments import versions
from hubs.models import Hub, Visibility
from hubs.views.page_cache import middleware, row_versions
from tests.unit.views.conftest import sign_in, token

PAGE = "/t/otters/"
MARK = "The database is not responding. This is the public page as it was"


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the ages, which tests on slow machines would exceed."""
    monkeypatch.setattr(middleware, "OUTAGE_AGE", 600.0)
    monkeypatch.setattr(middleware, "MAX_AGE", 600.0)


@pytest.fixture
def fail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes the database unavailable."""

    def begin(error: Exception | None = None) -> None:
        failure = error or OperationalError("SELECT 1", {}, ConnectionRefusedError("the database is down"))

        def refuse(*_args: object) -> None:
            raise failure

        event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", refuse)
        monkeypatch.setattr(row_versions.RowVersions, "_run", lambda *_args: None)

    return begin


def prepare(app: Flask) -> None:
    """Let a visitor read the page until it is cached."""
    visitor = app.test_client()
    for _ in range(3):
        assert visitor.get(PAGE).status_code == 200


def is_refused(answer: TestResponse) -> bool:
    reloads = (answer.headers.get("Retry-After"), answer.headers.get("Refresh")) == ("5", "5")
    return answer.status_code == 503 and reloads and "We swim" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("username", ["", "stranger", "owner"])
def test_a_public_page_is_served_marked_with_its_age_and_for_visitors(
    app: Flask, client: FlaskClient, otters: Hub, fail: Callable[..., None], username: str
) -> None:
    if username:
        sign_in(client, username)
    prepare(app)
    client.get(PAGE)
    fail()
    answer = client.get(PAGE)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "We swim" in page
    assert MARK in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert "/settings" not in page.split("<main", 1)[1].split("<footer", 1)[0]
    assert "csrf_token" not in page


def test_a_page_is_not_marked_while_the_database_responds(app: Flask, client: FlaskClient, otters: Hub) -> None:
    prepare(app)
    for _ in range(3):
        assert MARK not in client.get(PAGE).get_data(as_text=True)


def test_access_that_was_not_checked_lately_is_not_trusted(
    app: Flask, client: FlaskClient, otters: Hub, fail: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(app)
    fail()
    assert client.get(PAGE).status_code == 200
    monkeypatch.setattr(middleware, "OUTAGE_AGE", 0.0)
    assert is_refused(client.get(PAGE))


def test_a_hub_that_another_process_made_private_is_not_served(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, fail: Callable[..., None]
) -> None:
    prepare(app)
    fail()
    # What the other process does to the shared cache.
    app.extensions["hubs"].fragments.cache.delete(versions.key("hub", otters.id))
    assert is_refused(client.get(PAGE))


def test_hubs_that_are_not_public_are_not_served(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, fail: Callable[..., None]
) -> None:
    otters.visibility = Visibility.SIGNED_IN
    session.commit()
    sign_in(client, "owner")
    for _ in range(3):
        assert client.get(PAGE).status_code == 200
    fail()
    assert is_refused(client.get(PAGE))
    assert is_refused(app.test_client().get(PAGE))


@pytest.mark.parametrize(
    "error", [InterfaceError("SELECT 1", {}, Exception("connection already closed")), PoolTimeout("no connection")]
)
def test_everything_else_is_refused_politely(
    app: Flask, client: FlaskClient, otters: Hub, fail: Callable[..., None], error: Exception
) -> None:
    sign_in(client, "owner")
    csrf = token(client, "/")
    prepare(app)
    fail(error)
    for path in ("/", "/stream/", "/me/", "/teams/", "/t/otters/members", "/t/badgers/", "/t/otters/?full=1"):
        assert is_refused(client.get(path)), path
    for path in ("/api/v1/hubs", "/t/otters/json", "/t/otters/stream"):
        answer = client.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
        assert "Refresh" not in answer.headers
    answer = client.post("/t/otters/settings", data={"summary": "We dive.", "csrf_token": csrf})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Refresh" not in answer.headers  # it would lose what was typed
