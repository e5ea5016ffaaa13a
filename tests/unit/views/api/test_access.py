"""Permissions of the API are those of the pages, for sessions and tokens."""

import itertools

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import AuditEntry, Hub, Role, RoleName, Visibility, Widget
from hubs.views.web.rate_limits import Limiter
from tests.unit.conftest import user_of
from tests.unit.views.api.conftest import Ask
from tests.unit.views.conftest import sign_in, token
from tests.unit.views.test_routes import ROLES, RULES, TOKEN, allowed, cut_list, path_of

BODIES = {
    "PATCH /api/v1/hubs/t/otters/pages": {"title": "Plans"},
    "PATCH /api/v1/hubs/t/badgers/pages": {"title": "Plans"},
    "PATCH /api/v1/hubs": {"summary": "New."},
    "POST /api/v1/hubs/t/otters/announcements": {"title": "News"},
    "POST /api/v1/hubs/t/badgers/announcements": {"title": "News"},
    "POST /api/v1/hubs/t/otters/pages": {"slug": "plans", "title": "Plans"},
    "POST /api/v1/hubs/t/badgers/pages": {"slug": "plans", "title": "Plans"},
    "POST": {"type": "about"},
    "PATCH /api/v1/widgets": {"label": "x"},
}
WRITES = sorted((method, route) for (route, method), rule in RULES.items() if rule == "api edit")


def body_of(method: str, path: str) -> dict[str, str] | None:
    return next((body for start, body in BODIES.items() if f"{method} {path}".startswith(start)), None)


@pytest.mark.parametrize(("role", "visibility"), list(itertools.product(ROLES, Visibility)))
def test_the_access_rules_hold_for_tokens(
    ask: Ask, session: Session, otters: Hub, role: str, visibility: Visibility
) -> None:
    otters.visibility = visibility
    session.commit()
    who = "" if role == "visitor" else role
    row = cut_list(otters).id
    reads = [(method, route) for (route, method), rule in RULES.items() if "api/v1/hubs/" in route and rule == "view"]
    for method, route in reads:
        status = ask(who, method, path_of(route, otters)).status_code
        assert status == (200 if allowed("view", role, visibility) else 404), route
    removals_last = sorted(WRITES, key=lambda item: item[0] == "DELETE")
    for method, route in removals_last:
        path = path_of(route, otters)
        answer = ask(who, method, path, body_of(method, path))
        where = (method, route, answer.get_data(as_text=True))
        if role == "visitor":
            assert answer.status_code == 401, where
        elif allowed("edit", role, visibility):
            assert answer.status_code < 300, where
        else:
            assert answer.status_code == (403 if allowed("view", role, visibility) else 404), where
    session.expire_all()
    assert (session.get(Widget, row) is None) is (role == "owner")


@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_hub_is_in_no_list_and_answers_like_a_nonexistent_one(
    ask: Ask, session: Session, otters: Hub, role: str
) -> None:
    otters.visibility, otters.display_name = Visibility.OWNERS, "Secret otters"
    session.commit()
    who, number = "" if role == "visitor" else role, cut_list(otters).id
    for path in ("/hubs", "/hubs?q=otters", "/hubs?kind=team", "/hubs?mine=1" if who else "/hubs?q=secret"):
        listed = [item["name"] for item in ask(who, "GET", path).json["items"]]
        assert ("otters" in listed) is (role == "owner"), path
    results = ask(who, "GET", "/search?q=otters").json["items"]
    assert ("team" in [item["kind"] for item in results]) is (role == "owner")
    if role == "owner":
        return
    for (route, method), rule in RULES.items():
        if not ("/api/v1/hubs/" in route or "/api/v1/widgets/" in route or "atom" in route) or rule == "all":
            continue
        real = path_of(route, otters)
        none = real.replace("t/otters", "t/badgers").replace(f"widgets/{number}", f"widgets/{number + 9000}")
        first, second = (ask(who, method, path, body_of(method, path)) for path in (real, none))
        assert first.status_code == second.status_code == (404 if who or method == "GET" else 401), (method, route)
        said, none_said = (TOKEN.sub("token", answer.get_data(as_text=True)) for answer in (first, second))
        assert said.replace("otters", "badgers") == none_said
        assert {name for name, _ in first.headers} == {name for name, _ in second.headers}


@pytest.mark.parametrize("role", ROLES)
def test_a_widget_is_shown_to_its_audience_only(ask: Ask, session: Session, otters: Hub, role: str) -> None:
    who, row = "" if role == "visitor" else role, cut_list(otters)
    for outer, inner in itertools.product(Visibility, Visibility):
        otters.visibility, row.visibility = outer, inner
        session.commit()
        sees = allowed("view", role, max(outer, inner, key=list(Visibility).index))
        assert (ask(who, "GET", f"/widgets/{row.id}").status_code == 200) is sees
        results = ask(who, "GET", "/hubs/t/otters/widgets")
        if allowed("view", role, outer):
            shown = results.json["items"]
            assert (row.id in [item["id"] for item in shown]) is sees
            right = [item["position"] for item in shown if item["side"] == "right"]
            assert right == list(range(len(right))), "no gap tells of what is hidden"


def test_settings_are_shown_to_people_who_may_change_them(ask: Ask, otters: Hub) -> None:
    row = cut_list(otters).id
    for who in ("", "stranger", "member", "owner"):
        for path in (f"/widgets/{row}", "/hubs/t/otters"):
            assert ("settings" in ask(who, "GET", path).json) is (who == "owner"), (who, path)


def test_a_read_only_token_cannot_write(ask: Ask, session: Session, otters: Hub) -> None:
    assert ask("owner", "GET", "/hubs/t/otters", scope="read").json["roles"] == ["owner"]
    refused = ask("owner", "PATCH", "/hubs/t/otters", {"summary": "New."}, scope="read")
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert "read-only" in refused.get_json(force=True)["detail"]
    session.expire_all()
    assert otters.summary == "We swim."


def test_an_invalid_token_is_refused_even_with_a_cookie(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    for header in ("Bearer hubs_me_x", "Bearer ", "Basic b3duZXI6eA==", "hubs_me_x"):
        answer = client.get("/api/v1/hubs/t/otters", headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_writes_only_with_a_csrf_token(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert client.get("/api/v1/me").json["username"] == "owner"
    refused = client.patch("/api/v1/hubs/t/otters", json={"summary": "Forged."})
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    session.expire_all()
    assert otters.summary == "We swim."
    headers = {"X-CSRFToken": token(client, "/search")}
    assert client.patch("/api/v1/hubs/t/otters", json={"summary": "Meant."}, headers=headers).status_code == 200


@pytest.mark.usefixtures("same_minute")
def test_too_many_requests_are_refused_per_client(app: Flask, client: FlaskClient, ask: Ask, otters: Hub) -> None:
    object.__setattr__(app.extensions["hubs"], "api_limiter", Limiter("redis://127.0.0.1:1/0", 3))
    assert [ask("owner", "GET", "/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(ask("owner", "GET", "/me").headers["Retry-After"]) >= 1
    assert ask("member", "GET", "/me").status_code == 200
    guesses = [client.get("/api/v1/me", headers={"Authorization": "Bearer guess"}).status_code for _ in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_the_audit_log_says_which_token_was_used(ask: Ask, session: Session, otters: Hub) -> None:
    ask("owner", "PATCH", "/hubs/t/otters", {"summary": "New."})
    entry = session.query(AuditEntry).filter_by(action="hubs.hub.updated").order_by(AuditEntry.id.desc()).first()
    assert entry is not None
    assert entry.agent == "owner"
    assert entry.origin.startswith("personal token ")


def test_a_revoked_role_does_not_count_for_tokens(ask: Ask, session: Session, otters: Hub) -> None:
    otters.visibility = Visibility.MEMBERS
    session.commit()
    assert ask("member", "GET", "/hubs/t/otters").status_code == 200
    session.query(Role).filter_by(user_id=user_of(session, "member").id, role=RoleName.MEMBER).delete()
    session.commit()
    assert ask("member", "GET", "/hubs/t/otters").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/hubs?q=%00", "/hubs?cursor=%00", "/hubs/t/%00", "/hubs/t/otters/roles/%00/member", "/widgets/" + "9" * 30],
)
def test_text_that_no_database_can_store_is_not_found(ask: Ask, otters: Hub, path: str) -> None:
    method = "DELETE" if path.endswith("member") else "GET"
    assert ask("owner", method, path).status_code in (400, 404)
