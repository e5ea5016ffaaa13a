"""A person lets programs use the API in their name: tokens are theirs alone, shown once, and end."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import bearer_tokens
from hubs.actions.people import tokens
from hubs.errors import Conflict, Unauthorized
from hubs.models import AuditEntry, Hub, OutboxMessage, PersonalToken, now
from tests.unit.conftest import as_person
from tests.unit.views.conftest import post, sign_in


def make(client: FlaskClient, **fields: str) -> str:
    answer = post(client, "/me/tokens", **{"name": "backup", "days": "7", "scope": "read", **fields})
    assert answer.headers["Cache-Control"] == "no-store"
    match = re.search(r"data-token-text>(hubs_me_[\w-]+)<", answer.get_data(as_text=True))
    assert match is not None
    return match[1]


def test_a_token_is_created_shown_once_and_revoked_without_javascript(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "member")
    assert 'href="/me/tokens"' in client.get("/me/").get_data(as_text=True)
    text = make(client, scope="write")
    row = session.query(PersonalToken).one()
    assert (row.user.username, row.scope, row.name) == ("member", "write", "backup")
    assert text not in (row.digest, row.name)
    page = client.get("/me/tokens").get_data(as_text=True)
    assert text not in page
    assert "never used" in page
    tokens.find(session, text)
    session.commit()
    assert "last used" in client.get("/me/tokens").get_data(as_text=True)
    assert post(client, f"/me/tokens/{row.id}/revoke").status_code == 303
    session.expire_all()
    with pytest.raises(Unauthorized, match="revoked"):
        tokens.find(session, text)


def test_creation_is_in_the_audit_log_and_not_on_the_bus(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "member")
    before = session.query(OutboxMessage).count()
    text = make(client)
    entry = session.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert entry is not None
    assert (entry.action, entry.agent, entry.origin) == ("hubs.user.token.created", "member", "127.0.0.1")
    assert text not in str(entry.detail)
    assert session.query(OutboxMessage).count() == before


def test_tokens_of_others_are_neither_visible_nor_revocable(client: FlaskClient, session: Session, otters: Hub) -> None:
    row, _ = tokens.create(session, as_person(session, "owner"), "deploy key", 7, "read")
    session.commit()
    for who in ("", "stranger"):
        if who:
            sign_in(client, who)
        assert "deploy key" not in client.get("/me/tokens").get_data(as_text=True)
        assert post(client, f"/me/tokens/{row.id}/revoke").status_code == (404 if who else 403)
    session.expire_all()
    assert session.query(PersonalToken).one().revoked_on is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 65), ("days", "0"), ("days", "367"), ("days", "soon"), ("scope", "admin")],
)
def test_errors_are_beside_their_field_and_the_rest_stays(
    client: FlaskClient, session: Session, otters: Hub, field: str, value: str
) -> None:
    sign_in(client, "member")
    fields = {"name": "nightly backup", "days": "7", "scope": "write", field: value}
    answer = post(client, "/me/tokens", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert f'id="e-token-{field}"' in page
    assert ("nightly backup" in page) is (field != "name")
    assert session.query(PersonalToken).count() == 0


def test_a_token_expires_and_its_use_is_recorded_once_a_minute(session: Session, otters: Hub) -> None:
    row, text = tokens.create(session, as_person(session, "owner"), "x", 1, "read")
    used = tokens.find(session, text).last_used
    assert used is not None
    assert tokens.find(session, text).last_used == used
    row.last_used = now() - bearer_tokens.USED_STEP * 2
    assert tokens.find(session, text).last_used != used
    row.expires_on = now() - timedelta(seconds=1)
    session.flush()
    with pytest.raises(Unauthorized, match="expired"):
        tokens.find(session, text)
    with pytest.raises(Unauthorized, match="unknown"):
        tokens.find(session, text + "x")


def test_the_number_of_tokens_per_person_is_limited(session: Session, otters: Hub) -> None:
    owner = as_person(session, "owner")
    created = [tokens.create(session, owner, f"program {number}", 1, "read")[0] for number in range(tokens.TOKENS)]
    with pytest.raises(Conflict, match="revoke one"):
        tokens.create(session, owner, "one more", 1, "read")
    tokens.revoke(session, owner, created[0].id)
    tokens.create(session, owner, "one more", 1, "read")


def test_tokens_are_exported_and_deleted_with_the_account(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "member")
    make(client)
    exported = post(client, "/me/export").json
    assert [(token_record["name"], token_record["scope"]) for token_record in exported["tokens"]] == [
        ("backup", "read")
    ]
    assert post(client, "/me/delete", username="member").status_code == 303
    assert session.query(PersonalToken).count() == 0
