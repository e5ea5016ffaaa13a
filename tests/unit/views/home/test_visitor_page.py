"""The front page of visitors is kept for a moment, and never shows what has been hidden meanwhile."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.cache import SQLiteCache
from hubs.models import Database, Hub, Visibility
from hubs.views.home import front, visitor_page
from hubs.views.web.context import EXTENSION
from tests.unit.conftest import user_of
from tests.unit.views.conftest import sign_in
from tests.unit.views.home.test_front import read, say, store


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Give a function that counts the statements that an act of the application takes."""
    monkeypatch.setattr(visitor_page, "MAX_AGE", 60.0)
    database: Database = app.extensions[EXTENSION].database
    executed: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: executed.append(call[2]))

    def count(act: Callable[[], object]) -> int:
        executed.clear()
        act()
        return len(executed)

    return count


def test_a_second_visitor_gets_the_page_of_the_first(
    client: FlaskClient, app: Flask, otters: Hub, statements: Callable[[Callable[[], object]], int]
) -> None:
    assert statements(lambda: read(client)) > 5
    assert statements(lambda: read(app.test_client())) == 0
    assert read(app.test_client()) == read(client)


def test_a_hub_that_was_narrowed_is_gone_at_once(
    client: FlaskClient, session: Session, otters: Hub, statements: Callable[[Callable[[], object]], int]
) -> None:
    assert "/t/otters/" in read(client)
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert "/t/otters/" not in read(client)


def test_a_person_who_hides_is_gone_at_once(
    client: FlaskClient, session: Session, otters: Hub, statements: Callable[[Callable[[], object]], int]
) -> None:
    store(session, say(1, "member", title="Crash"))
    assert "Crash" in read(client)
    user_of(session, "member").activity = Visibility.SIGNED_IN
    session.commit()
    assert "Crash" not in read(client)


def test_visitors_who_come_at_once_wait_for_one_page(
    app: Flask, otters: Hub, monkeypatch: pytest.MonkeyPatch, statements: Callable[[Callable[[], object]], int]
) -> None:
    rendered: list[int] = []

    def slowly(*_: object, **__: object) -> str:
        rendered.append(1)
        time.sleep(0.5)
        return "the page"

    monkeypatch.setattr(front, "render_template", slowly)
    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(lambda _: read(app.test_client()), range(6))) == {"the page"}
    assert len(rendered) == 1


def test_a_page_is_kept_also_by_a_request_whose_tag_another_one_has_just_created(
    client: FlaskClient,
    app: Flask,
    otters: Hub,
    statements: Callable[[Callable[[], object]], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add = SQLiteCache.add

    def too_late(self: SQLiteCache, key: str, value: bytes, lifetime: float) -> bool:
        add(self, key, b"the other's", lifetime)
        return add(self, key, value, lifetime)

    with monkeypatch.context() as patch:
        patch.setattr(SQLiteCache, "add", too_late)
        read(client)
    assert statements(lambda: read(app.test_client())) == 0


def test_messages_appear_a_moment_later(
    client: FlaskClient, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(client)
    store(session, say(1, "member", title="Crash"))
    monkeypatch.setattr(visitor_page, "MAX_AGE", 0.0)
    assert "Crash" in read(client)


def test_each_language_has_a_page_of_its_own(
    app: Flask, otters: Hub, statements: Callable[[Callable[[], object]], int]
) -> None:
    pages = {
        app.test_client().get("/", headers={"Accept-Language": language}).get_data(as_text=True)
        for language in ("en", "de", "ar", "en")
    }
    assert len(pages) == 3


def test_whoever_has_a_session_gets_a_page_of_their_own(
    client: FlaskClient, app: Flask, otters: Hub, statements: Callable[[Callable[[], object]], int]
) -> None:
    visitor = read(app.test_client())
    assert read(sign_in(client, "member")) != visitor
    left = app.test_client()
    sign_in(left, "stranger")
    with left.session_transaction() as session:
        session.clear()
        session["_flashes"] = [("message", "Only for me")]
    assert "Only for me" in read(left)
    assert read(app.test_client()) == visitor
