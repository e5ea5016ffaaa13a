"""External content: a token fills its own widget, only that, and only until it expires."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.actions import push as acts
from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.models import AuditEntry, Hub, OutboxMessage, PushContent, PushToken, RoleName, Widget, now
from hubs.views.web.rate_limits import Limiter
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person, user_of
from tests.unit.views.conftest import post, sign_in

GOOD = {"title": "All builds are good", "severity": "good", "fields": [{"name": "queue", "value": "3"}]}


@pytest.fixture
def box(session: Session, registry: Registry, otters: Hub) -> Widget:
    row = widgets.add(session, registry, as_person(session, "owner"), otters, "push", "right")
    session.commit()
    return row


@pytest.fixture
def token(session: Session, box: Widget) -> str:
    _, text = acts.create_token(session, as_person(session, "owner"), box, "builder", 30)
    session.commit()
    return text


def send(client: FlaskClient, box: Widget, token: str, content: Any = GOOD, **headers: str) -> TestResponse:
    return client.put(f"/api/v1/push/{box.id}", json=content, headers={"Authorization": f"Bearer {token}", **headers})


def only_token(session: Session) -> PushToken:
    session.expire_all()
    return session.query(PushToken).one()


def told(session: Session) -> int:
    return session.query(OutboxMessage).filter_by(topic="hubs.widget.updated").count()


def test_content_fills_the_widget_and_sending_it_again_changes_nothing(
    client: FlaskClient, session: Session, box: Widget, token: str
) -> None:
    before = told(session)
    first = send(client, box, token)
    assert (first.status_code, first.json) == (200, {"widget": box.id, "changed": True})
    again = send(client, box, token)
    assert again.json == {"widget": box.id, "changed": False}
    assert again.headers["ETag"] == first.headers["ETag"]
    assert told(session) == before + 1
    page = client.get(f"/w/{box.id}/").get_data(as_text=True)
    assert "All builds are good" in page
    assert '<th scope="row" dir="auto">queue</th>' in page


def test_bus_and_audit_log_hold_neither_content_nor_token(
    client: FlaskClient, session: Session, box: Widget, token: str
) -> None:
    send(client, box, token)
    body = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    assert body is not None
    assert (body.body["changed_keys"], body.body["widget_id"]) == (["content"], box.id)
    assert "agent" not in body.body
    entry = session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert entry is not None
    assert entry.origin == f"push token {only_token(session).id}"
    said = str([(row.body) for row in session.query(OutboxMessage)]) + str(
        [e.detail for e in session.query(AuditEntry)]
    )
    assert "All builds" not in said
    assert token not in said


def test_a_token_is_hashed_at_rest_and_its_last_use_is_shown(
    client: FlaskClient, session: Session, box: Widget, token: str
) -> None:
    row = only_token(session)
    assert token not in (row.digest, row.name)
    assert row.last_used is None
    send(client, box, token)
    assert only_token(session).last_used is not None
    sign_in(client, "owner")
    page = client.get(f"/w/{box.id}/settings").get_data(as_text=True)
    assert "last used" in page
    assert "curl -X PUT -H &#39;Authorization: Bearer $TOKEN&#39;" in page or "Bearer $TOKEN" in page
    assert f"/api/v1/push/{box.id}" in page
    assert token not in page


def test_an_owner_creates_a_token_sees_it_once_and_revokes_it(
    client: FlaskClient, session: Session, box: Widget
) -> None:
    sign_in(client, "owner")
    answer = post(client, f"/w/{box.id}/tokens", name="builder", days="7")
    match = re.search(r"data-token-text>(hubs_push_[\w-]+)<", answer.get_data(as_text=True))
    assert match is not None
    assert answer.headers["Cache-Control"] == "no-store"
    stranger = client.application.test_client()
    assert send(stranger, box, match[1]).status_code == 200
    assert post(client, f"/w/{box.id}/tokens/{only_token(session).id}/revoke").status_code == 303
    refused = send(stranger, box, match[1])
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("who", ["visitor", "member", "stranger"])
def test_only_owners_create_and_revoke_tokens(
    client: FlaskClient, session: Session, box: Widget, token: str, who: str
) -> None:
    if who != "visitor":
        sign_in(client, who)
    assert post(client, f"/w/{box.id}/tokens", name="mine", days="7").status_code == 403
    assert post(client, f"/w/{box.id}/tokens/{only_token(session).id}/revoke").status_code == 403
    assert only_token(session).revoked_on is None


def test_owners_see_tokens_of_former_owners(client: FlaskClient, session: Session, otters: Hub, box: Widget) -> None:
    owner, leaver = as_person(session, "owner"), user_of(session, "member")
    roles.give_role(session, owner, otters, leaver, RoleName.OWNER)
    _, text = acts.create_token(session, as_person(session, "member"), box, "nightly", 30)
    session.commit()
    sign_in(client, "owner")
    people_page, settings_page = "/t/otters/members", f"/w/{box.id}/settings"
    assert "nightly" not in client.get(people_page).get_data(as_text=True)
    assert "does not own this hub" not in client.get(settings_page).get_data(as_text=True)
    roles.change_role(session, owner, otters, leaver, RoleName.OWNER, RoleName.MEMBER)
    session.commit()
    assert send(client.application.test_client(), box, text).status_code == 200
    assert "created by member, who does not own this hub<" in client.get(settings_page).get_data(as_text=True)
    page = client.get(people_page).get_data(as_text=True)
    assert "nightly" in page
    assert f"/w/{box.id}/tokens/{only_token(session).id}/revoke" in page
    assert "nightly" not in sign_in(client.application.test_client(), "member").get(people_page).get_data(as_text=True)
    post(client, f"/w/{box.id}/tokens/{only_token(session).id}/revoke")
    assert "nightly" not in client.get(people_page).get_data(as_text=True)
    assert "does not own" not in client.get(settings_page).get_data(as_text=True)


@pytest.mark.parametrize(("name", "days"), [("", "7"), ("x", "0"), ("x", "367"), ("x", "soon"), ("x" * 65, "7")])
def test_a_token_needs_a_name_and_an_expiry(
    client: FlaskClient, session: Session, box: Widget, name: str, days: str
) -> None:
    sign_in(client, "owner")
    answer = post(client, f"/w/{box.id}/tokens", name=name, days=days)
    assert answer.status_code == 400
    assert "field-error" in answer.get_data(as_text=True)
    assert session.query(PushToken).count() == 0


def test_a_session_cookie_does_not_authenticate(client: FlaskClient, box: Widget) -> None:
    sign_in(client, "owner")
    for answer in (client.put(f"/api/v1/push/{box.id}", json=GOOD), client.get(f"/api/v1/push/{box.id}")):
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"


def test_a_token_is_good_for_its_own_widget_until_it_expires(
    client: FlaskClient, session: Session, registry: Registry, otters: Hub, box: Widget, token: str
) -> None:
    other = widgets.add(session, registry, as_person(session, "owner"), otters, "push", "left")
    session.commit()
    assert send(client, other, token).status_code == 403
    assert send(client, box, token[:-1] + "?").status_code == 401
    only_token(session).expires_on = now() - timedelta(seconds=1)
    session.commit()
    refused = send(client, box, token)
    assert (refused.status_code, "expired" in refused.get_json(force=True)["detail"]) == (401, True)


def test_an_archived_hub_refuses_content(
    client: FlaskClient, session: Session, otters: Hub, box: Widget, token: str
) -> None:
    otters.archived = True
    session.commit()
    assert send(client, box, token).status_code == 403


def test_errors_are_reported_per_field_as_in_forms(
    client: FlaskClient, session: Session, box: Widget, token: str
) -> None:
    bad = {"title": 5, "severity": "loud", "fields": [{"value": "x"}], "colour": "red", "link": "javascript:alert(1)"}
    answer = send(client, box, token, bad)
    problem = answer.get_json(force=True)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert set(problem["fields"]) == {"title", "severity", "fields", "colour", "link"}
    assert problem["fields"]["link"] == "Please write a full address that starts with https:// or http://."
    assert session.query(PushContent).count() == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"null", b'{"title": NaN}', b"\xff", b'{"title": ' + b"[" * 5000])
def test_bodies_other_than_json_objects_are_refused(client: FlaskClient, box: Widget, token: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert client.put(f"/api/v1/push/{box.id}", data=body, headers=headers).status_code == 400
    del headers["Content-Type"]
    assert client.put(f"/api/v1/push/{box.id}", data=b"{}", headers=headers).status_code == 400


def test_content_has_a_maximum_size(client: FlaskClient, box: Widget, token: str) -> None:
    assert send(client, box, token, {"text": "x" * 64_000}).status_code == 413


def test_if_match_guards_the_replacement_of_content(client: FlaskClient, box: Widget, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get(f"/api/v1/push/{box.id}", headers=headers).status_code == 404
    assert send(client, box, token, **{"If-Match": '"something"'}).status_code == 412
    etag = send(client, box, token).headers["ETag"]
    answer = client.get(f"/api/v1/push/{box.id}", headers=headers)
    assert answer.json is not None
    assert answer.json["content"]["title"] == GOOD["title"]
    assert client.get(f"/api/v1/push/{box.id}", headers={**headers, "If-None-Match": etag}).status_code == 304
    assert send(client, box, token, {"title": "new"}, **{"If-Match": etag}).status_code == 200
    assert send(client, box, token, {"title": "newer"}, **{"If-Match": etag}).status_code == 412
    assert send(client, box, token, {"title": "newer"}, **{"If-Match": "*"}).status_code == 200


@pytest.mark.usefixtures("same_minute")
def test_too_many_requests_are_refused_even_without_redis(
    app: Flask, client: FlaskClient, box: Widget, token: str
) -> None:
    site = app.extensions["hubs"]
    object.__setattr__(site, "push_limiter", Limiter("redis://127.0.0.1:1/0", 3))
    assert [send(client, box, token).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = send(client, box, token)
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert "at most 3 a minute" in refused.get_json(force=True)["detail"]


def test_hostile_content_is_harmless(client: FlaskClient, box: Widget, token: str) -> None:
    evil = "<script>alert(1)</script>"
    send(client, box, token, {"title": evil, "text": evil, "fields": [{"name": evil, "value": evil}]})
    assert "<script>alert" not in client.get(f"/w/{box.id}/fragment").get_data(as_text=True)


def test_the_number_of_tokens_per_widget_is_limited(session: Session, box: Widget) -> None:
    owner = as_person(session, "owner")
    for number in range(acts.TOKENS):
        acts.create_token(session, owner, box, f"machine {number}", 1)
    with pytest.raises(acts.Conflict, match="revoke one"):
        acts.create_token(session, owner, box, "one more", 1)


@pytest.mark.usefixtures("same_minute")
def test_guessing_tokens_is_slowed_down_for_the_guesser_only(
    app: Flask, client: FlaskClient, box: Widget, token: str
) -> None:
    object.__setattr__(app.extensions["hubs"], "push_limiter", Limiter("redis://127.0.0.1:1/0", 3))
    codes = [send(client, box, f"hubs_push_{number}").status_code for number in range(12)]
    assert codes[:3] == [401, 401, 401]
    assert 429 in codes
    assert send(client, box, token).status_code == 200
