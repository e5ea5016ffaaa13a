"""The page cache: no SQL for returning viewers, and never a stale page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.inbox import items, marks
from hubs.actions.people import bookmarks, roles, sessions
from hubs.app import create_app
from hubs.cache import NullCache
from hubs.fragments import versions
from hubs.models import Hub, JoinRequest, NoticeKind, RoleName, SignIn, Visibility
from hubs.settings import load
from hubs.views.page_cache import middleware, readers, render, shared
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import BASE, post, sign_in

PAGE = "/t/otters/"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the maximum age: slow machines must not expire pages, and expiry must not hide a missing invalidation."""
    monkeypatch.setattr(middleware, "MAX_AGE", 3600.0)


@pytest.fixture
def other(app: Flask, tmp_path: Path) -> Iterator[Flask]:
    """Give another process on the same database and cache."""
    database = app.extensions["hubs"].database
    application = create_app(load({**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}))
    application.testing = True
    yield application
    application.extensions["hubs"].database.dispose()


@pytest.fixture
def queries(app: Flask) -> list[str]:
    """Give the list of statements that the application runs from now on."""
    statements: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    return statements


def prepare(client: FlaskClient, queries: list[str], path: str = PAGE) -> str:
    """Make a page ready for somebody, and return it as it is served then."""
    client.get(f"{path}?full=1")
    for _ in range(2):
        before = client.get(path)
    queries.clear()
    after = client.get(path)
    assert queries == []
    assert after.headers["ETag"] == before.headers["ETag"]
    return after.get_data(as_text=True)


def page(client: FlaskClient, path: str = PAGE) -> str:
    return client.get(path).get_data(as_text=True)


@pytest.mark.parametrize("username", ["", "stranger", "member", "owner"])
def test_a_returning_viewer_gets_the_same_page_without_rendering(
    client: FlaskClient, otters: Hub, queries: list[str], username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if username:
        sign_in(client, username)
        page(client)  # takes the note that signing in left
    served = prepare(client, queries)
    monkeypatch.setattr(middleware, "MAX_AGE", -1.0)
    rendered = page(client)
    assert served.count('class="widget"') == 6
    for name in ("data-token", "csrf_token"):
        assert (name in served) == (name in rendered)
    # Tokens of different moments are of different lengths.
    lengths = [len(re.sub('data-token="[^"]*"', "", text)) for text in (served, rendered)]
    assert lengths[0] == lengths[1]
    assert client.get(PAGE).headers["Content-Language"] == "en"


def test_a_hit_costs_one_cache_round_trip(
    app: Flask, client: FlaskClient, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "owner")
    page(client)
    prepare(client, queries)
    store, trips = app.extensions["hubs"].fragments.cache, []
    run = store._run
    monkeypatch.setattr(store, "_run", lambda *a: trips.append(1) or run(*a))
    page(client)
    assert (trips, queries) == ([1], [])


def test_new_content_is_in_the_page_at_once(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(client, queries)
    row = otters.widgets[0]
    rendered = app.extensions["hubs"].fragments.build(row)
    assert rendered.built_at in page(client)
    assert queries == []


def _update(session: Session, hub: Hub, **values: object) -> None:
    hub_actions.update(session, as_person(session, "owner"), hub, values)


def _label(session: Session, hub: Hub) -> None:
    widgets.update(session, Registry(), as_person(session, "owner"), hub.widgets[0], {}, label="Otter news")


def _add(session: Session, hub: Hub) -> None:
    widgets.add(session, Registry(), as_person(session, "owner"), hub, "about", "left", {"text": "new"})


def _join(session: Session, hub: Hub) -> None:
    session.add(JoinRequest(hub_id=hub.id, user_id=user_of(session, "stranger").id))


def _tell(session: Session, hub: Hub) -> None:
    items.tell(session, hub, NoticeKind.INVITATION, [user_of(session, "stranger")], "owner")


def _rename(session: Session, hub: Hub) -> None:
    user_of(session, "owner").fullname = "Olga Owner"


CHANGES: dict[str, tuple[str, Callable[[Session, Hub], None], str, bool]] = {
    "the hub's record": ("", lambda s, h: _update(s, h, summary="We dive."), "We dive.", True),
    "archived": ("member", lambda s, h: _update(s, h, archived=True), "archived and read-only", True),
    "a widget's settings": ("", _label, "Otter news", True),
    "a widget is added": ("", _add, "data-load", True),
    "a widget is removed": (
        "",
        lambda s, h: widgets.remove(s, Registry(), as_person(s, "owner"), h.widgets[0]),
        'class="widget"',
        True,
    ),
    "visibility": ("", lambda s, h: _update(s, h, visibility=Visibility.MEMBERS), "no such hub", True),
    "visibility for a stranger": (
        "stranger",
        lambda s, h: _update(s, h, visibility=Visibility.MEMBERS),
        "We swim",
        False,
    ),
    "a role is taken": (
        "stranger",
        lambda s, h: roles.take_role(s, as_person(s, "stranger"), h, RoleName.SUBSCRIBER),
        "otters/unsubscribe",
        True,
    ),
    "a role is given": (
        "stranger",
        lambda s, h: roles.give_role(s, as_person(s, "owner"), h, user_of(s, "stranger"), RoleName.OWNER),
        "?as=visitor",
        True,
    ),
    "a request to join": ("stranger", _join, "Request sent", True),
    "an owner who is named": ("stranger", _rename, "Olga Owner", True),
    "a bookmark": (
        "stranger",
        lambda s, h: bookmarks.add(s, as_person(s, "stranger"), h.id),
        'otters</span><span class="dot"',
        True,
    ),
    "the order of the bar": (
        "member",
        lambda s, h: bookmarks.remove(s, as_person(s, "member"), h.id),
        'otters</span><span class="dot"',
        False,
    ),
    "signed out everywhere": (
        "owner",
        lambda s, h: sessions.end_all(s, user_of(s, "owner").id),
        "csrf_token",
        False,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_at_once_in_every_process(
    app: Flask, client: FlaskClient, session: Session, other: Flask, otters: Hub, queries: list[str], change: str
) -> None:
    username, act, text, there = CHANGES[change]
    if username:
        sign_in(client, username)
        page(client)
    before = prepare(client, queries)
    elsewhere = other.test_client()
    with client.session_transaction() as held, elsewhere.session_transaction() as copy:
        copy.update(held)
    count = before.count(text)
    assert [page(elsewhere).count(text) for _ in range(3)] == [count] * 3
    act(session, otters)
    session.commit()
    for reader in (client, elsewhere):
        after = page(reader)
        assert after.count(text) != count, f"{change} is not seen"
        assert (text in after) == there


#: The changes that take something away from somebody, which no failure of the cache may delay.
NARROWING = ("visibility", "visibility for a stranger", "a widget is removed", "signed out everywhere")


@pytest.mark.parametrize("change", NARROWING)
def test_access_ends_at_once_even_if_the_cache_loses_every_invalidation(
    app: Flask,
    client: FlaskClient,
    session: Session,
    otters: Hub,
    queries: list[str],
    change: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    username, act, text, _there = CHANGES[change]
    if username:
        sign_in(client, username)
        page(client)
    before = prepare(client, queries)
    with monkeypatch.context() as patched:  # the writer's cache is unavailable, the reader's is not
        patched.setattr(app.extensions["hubs"].fragments.public.stamps, "_cache", NullCache())
        patched.setattr(app.extensions["hubs"].fragments.public, "_cache", NullCache())
        act(session, otters)
        session.commit()
    assert page(client).count(text) != before.count(text)


def test_without_the_database_no_cached_page_is_served(
    app: Flask, client: FlaskClient, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(client, queries)

    def refused(*arguments: object) -> object:
        raise OperationalError("SELECT", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(app.extensions["hubs"].database.autocommit, "raw_connection", refused)
    page(client)
    assert queries


def test_notifications_that_are_read_elsewhere_disappear_at_once(
    client: FlaskClient, session: Session, otters: Hub, queries: list[str]
) -> None:
    _tell(session, otters)
    session.commit()
    sign_in(client, "stranger")
    mine = "/u/stranger/"
    page(client, mine)
    hidden = prepare(client, queries, mine).count('data-dot="all" hidden')
    marks.read_all(session, as_person(session, "stranger"))
    session.commit()
    assert page(client, mine).count('data-dot="all" hidden') == hidden + 1
    _tell(session, otters)
    session.commit()
    assert page(client, mine).count('data-dot="all" hidden') == hidden
    prepare(client, queries, mine)
    items.settle(session, otters, NoticeKind.INVITATION)
    session.commit()
    assert page(client, mine).count('data-dot="all" hidden') == hidden + 1


def test_a_revoked_role_hides_its_widgets_at_once(
    client: FlaskClient, session: Session, otters: Hub, queries: list[str]
) -> None:
    _update(session, otters, visibility=Visibility.MEMBERS)
    session.commit()
    sign_in(client, "member")
    page(client)
    prepare(client, queries)
    roles.drop_role(session, as_person(session, "owner"), otters, user_of(session, "member"), RoleName.MEMBER)
    session.commit()
    assert client.get(PAGE).status_code == 404


def test_signing_out_takes_effect_at_once(client: FlaskClient, otters: Hub, queries: list[str]) -> None:
    sign_in(client, "owner")
    page(client)
    prepare(client, queries)
    with client.session_transaction() as held:
        kept = dict(held)
    post(client, "/logout")
    with client.session_transaction() as held:  # the old cookie, from a copy of it
        held.clear()
        held.update(kept)
    assert "?as=visitor" not in page(client)


def test_an_expired_session_invalidates_the_page(
    client: FlaskClient, session: Session, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "owner")
    page(client)
    prepare(client, queries)
    until = session.query(SignIn).one().expires_on
    monkeypatch.setattr(readers, "now", lambda: until)
    page(client)
    assert queries, "the database is asked"


def test_pages_are_separate_per_session(app: Flask, client: FlaskClient, otters: Hub, queries: list[str]) -> None:
    sign_in(client, "owner")
    page(client)
    assert "?as=visitor" in prepare(client, queries)
    visitor, stranger = app.test_client(), sign_in(app.test_client(), "stranger")
    for reader in (visitor, stranger):
        for _ in range(4):
            assert "?as=visitor" not in page(reader)
    assert "?as=visitor" in page(client)


def test_a_flashed_message_is_shown_once(client: FlaskClient, otters: Hub, queries: list[str]) -> None:
    sign_in(client, "stranger")
    page(client)
    prepare(client, queries)
    post(client, f"{PAGE}star")
    assert [("You have starred otters." in page(client)) for _ in range(4)] == [True, False, False, False]


def test_a_form_of_a_cached_page_works(client: FlaskClient, session: Session, otters: Hub, queries: list[str]) -> None:
    sign_in(client, "stranger")
    page(client)
    served = prepare(client, queries)
    token = served.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    assert client.post(f"{PAGE}star", data={"csrf_token": token}).status_code == 303


def test_without_a_cache_pages_are_right(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(client, queries)
    fragments = app.extensions["hubs"].fragments
    monkeypatch.setattr(fragments, "cache", NullCache())
    monkeypatch.setattr(fragments.public.stamps, "_cache", NullCache())
    for summary in ("We dive.", "We float."):
        _update(session, otters, summary=summary)
        session.commit()
        assert summary in page(client)
        assert summary in page(client)


def test_a_lost_version_tag_invalidates_the_page(
    app: Flask, client: FlaskClient, otters: Hub, queries: list[str]
) -> None:
    prepare(client, queries)
    app.extensions["hubs"].fragments.cache.delete(versions.key("hub", otters.id))
    page(client)
    assert queries
    prepare(client, queries)


def test_a_commit_between_tags_and_rows_invalidates_the_page(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page(client)
    original = render.render_template

    def overtaken(*args: object, **values: object) -> str:
        monkeypatch.setattr(render, "render_template", original)
        rendered = original(*args, **values)
        _update(session, otters, summary="We dive.")
        session.commit()
        return rendered

    monkeypatch.setattr(render, "render_template", overtaken)
    assert "We dive." not in page(client)
    assert "We dive." in page(client)


def test_text_that_looks_like_a_mark_is_not_replaced(
    client: FlaskClient, session: Session, otters: Hub, queries: list[str]
) -> None:
    marks = [f"{'0' * 32}-{number}-" for number in range(3)]
    _update(session, otters, description=" ".join(marks))
    session.commit()
    served = prepare(client, queries)
    assert all(mark in served for mark in marks)


def test_a_cached_page_has_a_maximum_age(
    client: FlaskClient, session: Session, otters: Hub, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(client, queries)
    monkeypatch.setattr(middleware, "MAX_AGE", 0.0)
    session.query(Hub).filter_by(id=otters.id).update({"summary": "by a statement"})  # no stamp changes
    session.commit()
    assert "by a statement" in page(client)


def test_a_process_keeps_a_bounded_number_of_pages() -> None:
    pages = shared.SharedPages()
    for number in range(shared.MAX_PAGES + 10):
        pages.put(number, None)  # type: ignore[arg-type]
    assert len(pages._pages) == shared.MAX_PAGES


@pytest.mark.parametrize("username", ["", "owner"])
def test_a_cached_page_has_the_headers_of_a_rendered_one(
    client: FlaskClient, otters: Hub, queries: list[str], username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if username:
        sign_in(client, username)
        page(client)
    prepare(client, queries)
    asked = {"Accept-Language": "en"}
    for headers in (asked, {**asked, "If-None-Match": client.get(PAGE, headers=asked).headers["ETag"]}):
        served = client.get(PAGE, headers=headers)
        with monkeypatch.context() as patch:
            patch.setattr(middleware, "MAX_AGE", -1.0)
            rendered = client.get(PAGE, headers=headers)
        assert served.status_code == rendered.status_code
        for answer in (served, rendered):
            answer.headers["Vary"] = ", ".join(sorted(answer.vary.as_set()))
            # Tokens of different moments are of different lengths.
            assert int(answer.headers.pop("Content-Length", 0)) == len(answer.data)
        assert sorted(served.headers) == sorted(rendered.headers)


def test_invalid_session_cookies_are_not_cached(client: FlaskClient, otters: Hub, queries: list[str]) -> None:
    prepare(client, queries)
    for number in range(3):
        client.set_cookie("hubs", f"made-up-{number}")
        for _ in range(3):
            queries.clear()
            assert "We swim" in page(client)
            assert queries
    client.delete_cookie("hubs")
    queries.clear()
    page(client)
    assert queries == []


def test_unrelated_cookies_do_not_change_the_cache_key(client: FlaskClient, otters: Hub, queries: list[str]) -> None:
    prepare(client, queries)
    client.set_cookie("elsewhere", "1")
    page(client)
    assert queries == []
    client.set_cookie("hubs-language", "de")
    assert 'lang="de"' in page(client)
