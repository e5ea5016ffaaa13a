"""Pages: content, cost in queries, and protection."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.app import create_app
from hubs.errors import BadSetting
from hubs.events import coverage
from hubs.models import Bookmark, Hub, Role, RoleName, User, Widget
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.stack import ROOT
from tests.unit.conftest import as_person
from tests.unit.views.conftest import BASE, post, sign_in, token


def text(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def fill(session: Session, registry: Registry, hub: Hub, count: int) -> None:
    owner = as_person(session, "owner")
    while len(hub.widgets) < count:
        widgets.add(session, registry, owner, hub, "about", "left", {"text": f"number {len(hub.widgets)}"})
    session.commit()


def test_a_page_of_twelve_cached_widgets_costs_seven_queries_and_two_round_trips(
    app: Flask, client: FlaskClient, session: Session, registry: Registry, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(session, registry, otters, 12)
    sign_in(client, "owner")
    client.get("/t/otters/?full=1")
    site = app.extensions["hubs"]
    queries: list[str] = []
    trips: list[int] = []
    event.listen(site.database.engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    run = site.fragments.cache._run
    monkeypatch.setattr(site.fragments.cache, "_run", lambda *a: trips.append(1) or run(*a))
    page = text(client.get("/t/otters/"))
    assert page.count('class="widget"') == 12
    assert "data-load" not in page
    # Account, hub, its pages, stars and requests, bookmarks with their dots, the count of the inbox, announcements.
    assert len(queries) <= 7, queries
    assert len(trips) == 2  # for a copy that another process may have made, and for the fragments


def test_roles_and_bookmarks_cost_a_page_no_queries(
    app: Flask, client: FlaskClient, session: Session, registry: Registry, otters: Hub
) -> None:
    reader = session.scalars(select(User).where(User.username == "stranger")).one()
    for number in range(30):
        hub = Hub(kind="team", name=f"pond-{number}", display_name=f"Pond {number}")
        session.add(hub)
        session.flush()
        session.add(Bookmark(user_id=reader.id, hub_id=hub.id, position=number))
        session.add(Role(user_id=reader.id, hub_id=hub.id, role=RoleName.MEMBER))
    session.commit()
    sign_in(client, "stranger")
    client.get("/t/otters/?full=1")
    queries: list[str] = []
    loaded: list[object] = []
    database = app.extensions["hubs"].database
    event.listen(database.engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    event.listen(database.maker, "loaded_as_persistent", lambda _session, row: loaded.append(row))
    page = text(client.get("/t/otters/"))
    assert page.count("Pond ") >= 30
    # The seven of an owner, and whom to ask.
    assert len(queries) <= 8, queries
    # Objects of the mapper cost more than everything else of a bookmark.
    assert sum(isinstance(row, Hub) for row in loaded) == 1


def test_missing_fragments_become_placeholders_that_work_without_javascript(client: FlaskClient, otters: Hub) -> None:
    page = text(client.get("/t/otters/"))
    assert page.count("data-load=") == 6
    assert '<noscript><meta http-equiv="refresh" content="0; url=?full=1"></noscript>' in page
    assert "data-load=" not in text(client.get("/t/otters/?full=1"))
    assert "http-equiv" not in text(client.get("/t/otters/"))


def test_pages_work_without_redis(client: FlaskClient, otters: Hub) -> None:
    page = text(client.get("/t/otters/"))
    assert 'data-cursor=""' in page
    health = client.get("/healthz").json
    assert (health["redis"], health["unread"]) == (False, None)


def test_the_health_check_counts_messages_without_a_reader(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fakeredis.FakeRedis()
    coverage.add(store, {"zuul": 3})
    monkeypatch.setattr(type(app.extensions["hubs"].events), "client", store)
    assert client.get("/healthz").json["unread"] == {"zuul": 3}


def test_the_front_page_names_the_current_user(client: FlaskClient, otters: Hub) -> None:
    assert "Sign in" in text(client.get("/"))
    page = text(sign_in(client, "member").get("/"))
    assert "Welcome, Member" in page
    assert "Your hubs" in page
    assert "/t/otters/" in page


def test_fragments_carry_their_version_and_state(client: FlaskClient, otters: Hub) -> None:
    row = otters.column("left")[0]
    answer = client.get(f"/w/{row.id}/fragment")
    assert answer.headers["X-Hubs-Version"] == "1"
    assert answer.headers["X-Hubs-State"] == "live"
    head, body = answer.get_data(as_text=True).split("\n", 1)
    told = json.loads(head.removeprefix("<!--hubs ").removesuffix("-->"))
    assert told["version"] == 1
    assert told["digest"] == answer.headers["X-Hubs-Digest"]
    assert body.startswith('<div class="panel">')
    again = client.get(f"/w/{row.id}/fragment", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.usefixtures("unhurried")
def test_several_fragments_come_in_one_response(client: FlaskClient, otters: Hub) -> None:
    client.get("/t/otters/?full=1")
    first, second = otters.column("left")[:2]
    answer = client.get(f"/t/otters/fragments?widget={first.id}&widget={second.id}&widget=x&widget=999&lang=de")
    assert {widget["widget"] for widget in answer.json} == {first.id, second.id}
    alone = client.get(f"/w/{first.id}/fragment?lang=de")
    (together,) = (widget for widget in answer.json if widget["widget"] == first.id)
    assert alone.get_data(as_text=True).endswith(together["html"])
    assert together["digest"] == alone.headers["X-Hubs-Digest"]
    assert client.get("/t/otters/fragments").json == []
    assert "Cookie" in answer.headers["Vary"]


def test_hubs_and_widgets_are_available_as_json(client: FlaskClient, otters: Hub) -> None:
    hub = client.get("/t/otters/json").json
    assert (hub["name"], hub["kind"], hub["summary"]) == ("otters", "team", "We swim.")
    widget = client.get(f"/w/{hub['widgets'][0]['id']}/json").json
    assert widget["type"] == "sticky"
    assert "settings" not in widget
    sign_in(client, "owner")
    assert client.get(f"/w/{hub['widgets'][0]['id']}/json").json["settings"] == {}


def test_a_page_that_lost_its_stream_gets_a_token_and_versions(client: FlaskClient, otters: Hub) -> None:
    client.get("/t/otters/?full=1")
    renewed = client.get("/t/otters/stream").json
    assert set(renewed) == {"token", "cursor", "channels", "version", "widgets", "presence"}
    assert all(renewed["widgets"].values())


@pytest.mark.parametrize("path", ["/t/nowhere/", "/u/nobody/", "/w/999/", "/w/999/fragment", "/nothing", "/t/%00/"])
def test_unknown_addresses_are_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "front page" in text(answer)


def test_errors_of_json_requests_are_json(client: FlaskClient, otters: Hub) -> None:
    answer = client.get("/t/nowhere/json")
    assert answer.status_code == 404
    assert "no such hub" in answer.json["error"]


def test_every_response_has_security_headers(client: FlaskClient, otters: Hub) -> None:
    for path in ("/", "/t/otters/", "/nothing", "/healthz", "/static/css/base.css"):
        answer = client.get(path)
        answer.close()
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_pages_have_no_inline_script_or_style(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    pages = ["/", "/login", "/t/otters/?full=1", "/t/otters/edit", "/t/otters/edit/add?side=left", "/t/otters/settings"]
    for path in pages:
        page = client.get(path).get_data(as_text=True)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"\s(style|on\w+)=", page), path
        assert "<html lang=" in page
        assert page.count("<h1") == 1, path


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    row = otters.column("left")[0]
    for path in (f"/w/{row.id}/settings", "/t/otters/edit", "/t/otters/star", "/logout", "/t/otters/settings"):
        assert client.post(path, data={"way": "down"}).status_code == 400
    session.expire_all()
    assert session.get(Widget, row.id) is not None


def test_signing_in_creates_the_account_once_and_signing_out_ends_the_session(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, "quillon")
    assert "Welcome, quillon" in text(client.get("/"))
    post(client, "/logout")
    assert "Welcome" not in text(client.get("/"))
    sign_in(client, "quillon")
    assert session.query(User).count() == 1


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", ""])
def test_signing_in_never_redirects_to_other_sites(client: FlaskClient, wanted: str) -> None:
    assert post(client, "/login", username="quillon", next=wanted).headers["Location"] == "/"


def test_signing_in_redirects_back(client: FlaskClient) -> None:
    assert post(client, "/login", username="quillon", next="/t/otters/").headers["Location"] == "/t/otters/"


@pytest.mark.parametrize("username", ["", "a b", "../x", "x" * 65])
def test_invalid_usernames_are_refused_with_a_message(client: FlaskClient, username: str) -> None:
    answer = post(client, "/login", username=username)
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)


def test_sign_in_without_password_is_limited_to_this_machine(client: FlaskClient) -> None:
    answer = client.get("/login", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert "not set up" in text(answer)
    with pytest.raises(BadSetting, match="this machine only"):
        create_app(load({**BASE, "HUBS_SITE_URL": "https://hubs.example.org"}))


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8000", "127.0.0.1.rebound.example", "[", "[x]"])
def test_dns_rebinding_cannot_sign_in(client: FlaskClient, host: str) -> None:
    named = {"headers": {"Host": host}}
    assert 'name="username"' not in text(client.get("/login", **named))
    sent = {"username": "owner", "csrf_token": token(client)}
    assert client.post("/login", data=sent, **named).status_code in (400, 403)
    with client.session_transaction() as session:
        assert "user" not in session


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]:8000"])
def test_all_names_of_this_machine_are_accepted(client: FlaskClient, host: str) -> None:
    assert 'name="username"' in text(client.get("/login", headers={"Host": host}))


def test_a_session_signed_with_another_key_is_ignored(client: FlaskClient) -> None:
    client.set_cookie("hubs", "eyJ1c2VyIjoxfQ.aaaa.bbbb")
    assert "Sign in" in text(client.get("/"))


@pytest.mark.parametrize("vendor", [ROOT / "hubs" / "static" / "vendor", ROOT / "hubs" / "testing" / "vendor"])
def test_the_vendored_files_match_their_checksums(vendor: Path) -> None:
    rows = re.findall(r"\| (\S+) \| \S+ \| \S+ \| .+? \| ([0-9a-f]{64}) \|", (vendor / "README.md").read_text())
    assert rows
    for name, checksum in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == checksum
