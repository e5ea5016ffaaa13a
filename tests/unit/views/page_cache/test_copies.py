"""A page that one process has rendered is not rendered by another, and is shown to nobody whom it is not for."""

import re
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.app import create_app
from hubs.cache import SQLiteCache
from hubs.models import Hub, Visibility
from hubs.settings import load
from hubs.signed_cache import SIGNATURE
from hubs.views.page_cache import copies, middleware, page_copies, personal
from hubs.views.page_cache.personal import Reader
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person
from tests.unit.views.conftest import BASE, sign_in
from tests.unit.views.page_cache.test_middleware import PAGE, other, page, patience, prepare, queries  # noqa: F401
from tests.unit.views.page_cache.test_shared import steady

Start = Callable[..., tuple[FlaskClient, list[str]]]


@pytest.fixture
def start(app: Flask, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts another process on the same database and cache, and gives a browser of it.

    It also gives the list of the statements that the process' application runs from then on.
    """
    applications = []

    def start(username: str = "", **settings: str) -> tuple[FlaskClient, list[str]]:
        database = app.extensions["hubs"].database
        addresses = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}
        application = create_app(load({**BASE, **addresses, **settings}))
        application.testing = True
        applications.append(application)
        client, statements = application.test_client(), []
        if username:
            sign_in(client, username)
            client.get("/me/")  # takes the note that signing in left
        engine = application.extensions["hubs"].database.engine
        event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        return client, statements

    yield start
    for application in applications:
        application.extensions["hubs"].database.dispose()


def test_the_forms_of_a_copy_have_the_token_of_their_reader(
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_in(client, "member")
    page(client)  # takes the note that signing in left
    shown = prepare(client, queries)
    # Another process marks the places of tokens in another way.
    monkeypatch.setattr(personal, "_CSRF", b"another-mark")
    elsewhere, statements = start("member")
    again = page(elsewhere)
    assert statements == [], "the application is not asked"
    tokens = re.findall(r'name="csrf_token" value="([^"]*)"', again)
    assert len(tokens) == len(re.findall(r'name="csrf_token" value="([^"]*)"', shown)) > 2
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("username", ["", "stranger", "member", "owner"])
def test_a_page_that_one_process_has_rendered_is_not_rendered_by_another(
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
    username: str,
) -> None:
    if username:
        sign_in(client, username)
        page(client)  # takes the note that signing in left
    shown = prepare(client, queries)
    elsewhere, statements = start(username)
    again = page(elsewhere)
    assert statements == [], "the application is not asked"
    assert again.count('class="widget"') == shown.count('class="widget"') == 6
    assert steady(again) == steady(shown)


def test_a_copy_from_before_a_change_is_not_used(
    client: FlaskClient,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
) -> None:
    prepare(client, queries)
    hub_actions.update(session, as_person(session, "owner"), otters, {"summary": "We dive."})
    session.commit()
    elsewhere, _ = start()
    assert "We dive." in page(elsewhere)
    assert "We dive." in page(client)


def test_a_copy_is_not_used_where_the_cache_lost_the_invalidation(
    app: Flask,
    client: FlaskClient,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(client, queries)
    # The tests' session replaces version tags as the application does; this is a cache that is down at that time.
    monkeypatch.setattr(SQLiteCache, "set", lambda *_: False)
    monkeypatch.setattr(SQLiteCache, "delete", lambda *_: False)
    hub_actions.update(session, as_person(session, "owner"), otters, {"visibility": Visibility.MEMBERS})
    session.commit()
    monkeypatch.undo()
    elsewhere, _ = start()
    assert elsewhere.get(PAGE).status_code == 404


def test_a_copy_for_members_is_for_members_only(
    client: FlaskClient,
    session: Session,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
) -> None:
    text, owner = {"text": "what only members may read"}, as_person(session, "owner")
    widgets.add(session, Registry(), owner, otters, "about", "left", text, label="Den", visibility=Visibility.MEMBERS)
    session.commit()
    sign_in(client, "member")
    page(client)
    assert "Den" in prepare(client, queries)
    assert ["Den" in page(start(name)[0]) for name in ("", "stranger", "member")] == [False, False, True]


def test_a_damaged_copy_is_not_used(
    app: Flask,
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
) -> None:
    shown = prepare(client, queries)
    store = app.extensions["hubs"].fragments.cache
    count = "SELECT count(*) FROM cache WHERE key LIKE 'page:%' OR key LIKE 'place:%'"
    assert store._run(count, []) == [(2,)]
    for damage in ("value || x'00'", "substr(value, 1, 40)", "x''"):
        store._run(f"UPDATE cache SET value = {damage} WHERE key LIKE 'page:%'", [])
        assert steady(page(start()[0])) == steady(shown)
    store._run("UPDATE cache SET value = x'00' WHERE key LIKE 'place:%'", [])
    assert steady(page(start()[0])) == steady(shown)


def test_a_copy_that_somebody_else_changed_is_not_used(
    app: Flask,
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
) -> None:
    assert "We swim." in prepare(client, queries)
    store = app.extensions["hubs"].fragments.cache
    ((key, entry),) = store._run("SELECT key, value FROM cache WHERE key LIKE 'page:%'", [])
    text = zlib.decompress(entry[SIGNATURE:])
    assert b"We swim." in text
    store.set(key, entry[:SIGNATURE] + zlib.compress(text.replace(b"We swim.", b"We sink.")), 60)
    assert "We sink." not in page(start()[0])


def test_a_signed_copy_of_another_form_is_not_used(
    app: Flask, client: FlaskClient, otters: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    made = copies.Copies(app.extensions["hubs"].fragments, app.extensions["hubs"].settings)
    for value in (b"no zlib", b"x\x9cK\x04\x00\x00b\x00b"):  # the second one is compressed
        app.extensions["hubs"].fragments.signed.set(made.key("place", PAGE), value, 60)
        assert page_copies.PageCopies(made).place(PAGE) is None
    assert caplog.text.count("is not used") == 2


def test_a_copy_is_used_by_processes_with_the_same_settings_and_code_only(
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(client, queries)
    elsewhere, _ = start(HUBS_SITE_NAME="Seals")
    assert "Seals" in page(elsewhere)
    monkeypatch.setattr(copies, "_code", lambda: "newer")
    upgraded, statements = start()
    page(upgraded)
    assert statements != []


def test_a_copy_does_not_prolong_the_life_of_a_page(
    client: FlaskClient,
    otters: Hub,
    queries: list[str],  # noqa: F811
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(client, queries)
    monkeypatch.setattr(middleware, "MAX_AGE", 60.0)
    present = time.time()
    monkeypatch.setattr(page_copies.time, "time", lambda: present + 50)
    elsewhere, statements = start()
    page(elsewhere)
    assert statements == []
    monkeypatch.setattr(page_copies.time, "time", lambda: present + 70)
    elsewhere, statements = start()
    page(elsewhere)
    assert statements != []


def test_a_page_of_another_hub_that_was_at_the_same_path_is_another_page() -> None:
    keys = [middleware.page_key(PAGE, Reader("en"), hub_id, None) for hub_id in (7, 8)]
    assert keys[0] != keys[1]
