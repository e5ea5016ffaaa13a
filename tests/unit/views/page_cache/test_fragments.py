"""Fragments that are answered before the application looks at the request: only what everybody may see."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.models import Hub, Visibility
from tests.unit.conftest import as_person
from tests.unit.views.conftest import sign_in


@pytest.fixture
def asked(app: Flask) -> list[str]:
    """Give a list that grows with every request that gets as far as the application from now on."""
    found: list[str] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: found.append(""))
    return found


@pytest.fixture
def path(client: FlaskClient, otters: Hub) -> str:
    """Give the address of a fragment that has been built; the next who asks makes that it is kept."""
    address = f"/w/{otters.widgets[0].id}/fragment?lang=en"
    client.get(address)
    return address


def test_the_second_reader_is_answered_without_the_application(
    app: Flask, client: FlaskClient, path: str, asked: list[str]
) -> None:
    statements: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    made = client.get(path)
    assert (len(asked), bool(statements)) == (1, True)
    statements.clear()
    kept = client.get(path)
    assert (len(asked), statements) == (1, [])
    assert kept.get_data() == made.get_data()
    same = {"Content-Type", "Content-Length", "Content-Language", "ETag", "Content-Security-Policy", "X-Hubs-Version"}
    for name in (*same, "X-Hubs-Built", "X-Hubs-State", "X-Hubs-Digest", "X-Content-Type-Options", "Cache-Control"):
        assert kept.headers[name] == made.headers[name]
    assert "Set-Cookie" not in kept.headers


def test_who_has_it_gets_304(client: FlaskClient, path: str, asked: list[str]) -> None:
    tag = client.get(path).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.get_data(), answer.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert len(asked) == 1


@pytest.mark.parametrize("level", [Visibility.MEMBERS, Visibility.OWNERS, Visibility.SIGNED_IN])
def test_what_not_everybody_may_see_any_more_is_not_answered(
    client: FlaskClient, session: Session, otters: Hub, path: str, level: Visibility
) -> None:
    for _ in range(2):
        assert client.get(path).status_code == 200
    hub_actions.update(session, as_person(session, "owner"), otters, {"visibility": level})
    session.commit()
    assert client.get(path).status_code == 404
    sign_in(client, "owner")
    assert client.get(path).status_code == 200
    client.post("/logout")
    client.delete_cookie("hubs")
    assert client.get(path).status_code == 404  # an owner's look keeps nothing for others


@pytest.mark.parametrize("ask", ["?lang=de-x", "?lang=en&lang=de", "", "?lang=", "?LANG=en", "?lang=en;"])
def test_other_questions_go_to_the_application(client: FlaskClient, path: str, asked: list[str], ask: str) -> None:
    client.get(path)
    client.get(path.partition("?")[0] + ask)
    assert len(asked) == 2


def test_a_head_and_a_post_go_to_the_application(client: FlaskClient, path: str, asked: list[str]) -> None:
    client.get(path)
    assert client.head(path).get_data() == b""
    assert client.post(path).status_code in (400, 405)
    assert len(asked) == 3


def test_a_damaged_entry_is_a_miss(app: Flask, client: FlaskClient, otters: Hub, path: str) -> None:
    whole = client.get(path).get_data()
    public = app.extensions["hubs"].fragments.public
    for damaged in (b"", b"<!--hubs {-->\n", b"<!--hubs [1]-->\nx", whole[:20]):
        public._cache.set(public.key(otters.widgets[0].id, "en"), damaged, 60)
        assert client.get(path).get_data() == whole
