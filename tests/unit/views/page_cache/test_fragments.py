"""Fragments that are served before Flask sees the request: only public ones."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.cache import NullCache
from hubs.models import Hub, Visibility, Widget
from tests.unit.conftest import as_person
from tests.unit.views.conftest import sign_in


@pytest.fixture
def asked(app: Flask) -> list[str]:
    """Give a list that grows with every request that gets as far as the application from now on."""
    requests: list[str] = []
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: requests.append(""))
    return requests


@pytest.fixture
def path(client: FlaskClient, otters: Hub) -> str:
    """Return the path of a built fragment; the next request puts it into the cache."""
    address = f"/w/{otters.widgets[0].id}/fragment?lang=en"
    client.get(address)
    return address


def test_the_second_request_bypasses_the_application(
    app: Flask, client: FlaskClient, path: str, asked: list[str]
) -> None:
    statements: list[str] = []
    event.listen(app.extensions["hubs"].database.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    rendered = client.get(path)
    assert (len(asked), bool(statements)) == (1, True)
    statements.clear()
    served = client.get(path)
    assert (len(asked), statements) == (1, [])
    assert served.get_data() == rendered.get_data()
    same = {"Content-Type", "Content-Length", "Content-Language", "ETag", "Content-Security-Policy", "X-Hubs-Version"}
    for name in (*same, "X-Hubs-Built", "X-Hubs-State", "X-Hubs-Digest", "X-Content-Type-Options", "Cache-Control"):
        assert served.headers[name] == rendered.headers[name]
    assert "Set-Cookie" not in served.headers


def test_a_current_fragment_gets_304(client: FlaskClient, path: str, asked: list[str]) -> None:
    tag = client.get(path).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.get_data(), answer.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert len(asked) == 1


@pytest.mark.parametrize("level", [Visibility.MEMBERS, Visibility.OWNERS, Visibility.SIGNED_IN])
def test_a_fragment_that_is_no_longer_public_is_not_served(
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


def test_a_narrowed_widget_is_refused_at_once_even_if_its_entry_stays_in_the_cache(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert client.get(path).status_code == 200
    public = app.extensions["hubs"].fragments.public
    with monkeypatch.context() as patched:
        patched.setattr(public, "_cache", NullCache())
        hub_actions.update(session, as_person(session, "owner"), otters, {"visibility": Visibility.MEMBERS})
        session.commit()
    assert public.read(otters.widgets[0].id, "en") is not None
    assert client.get(path).status_code == 404


def test_an_entry_of_an_older_version_is_not_served(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, path: str, asked: list[str]
) -> None:
    client.get(path)
    count = len(asked)
    session.execute(update(Widget).where(Widget.id == otters.widgets[0].id).values(version=Widget.version + 1))
    session.commit()
    client.get(path)
    assert len(asked) == count + 1


@pytest.mark.parametrize("ask", ["?lang=de-x", "?lang=en&lang=de", "", "?lang=", "?LANG=en", "?lang=en;"])
def test_other_queries_go_to_the_application(client: FlaskClient, path: str, asked: list[str], ask: str) -> None:
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
