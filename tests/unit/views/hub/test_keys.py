"""The page of a hub's keys for other services: for owners only, and it never shows a key."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.models import Hub, HubKey
from tests.unit.views.conftest import post, sign_in

ALL = "/t/otters/settings/keys"
SITE = "https://discuss.example"


def enter(client: FlaskClient, address: str = SITE, key: str = "s3cr3t-key") -> TestResponse:
    return post(client, ALL, address=address, key=key)


def stored(session: Session) -> list[HubKey]:
    session.rollback()
    return list(session.scalars(select(HubKey).order_by(HubKey.origin)))


def test_no_page_shows_a_key_again(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert enter(client).status_code == 303
    page = client.get(ALL).get_data(as_text=True)
    assert f"The key for {SITE} has been stored." in page
    assert "entered by owner" in page
    for path in (ALL, "/t/otters/audit", "/t/otters/settings/file", "/t/otters/history"):
        assert "s3cr3t" not in client.get(path).get_data(as_text=True), path
    assert "s3cr3t" not in str(stored(session)[0].secret)


def test_a_refused_form_gives_back_the_address_and_not_the_key(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "owner")
    answer = enter(client, "http://discuss.example/c/5")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="http://discuss.example/c/5"' in page
    assert "must start with https://" in page
    assert "s3cr3t" not in page
    assert stored(session) == []


def test_a_key_is_removed(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    enter(client)
    path = f"{ALL}/{stored(session)[0].id}/remove"
    assert post(client, path).status_code == 303
    assert stored(session) == []
    assert post(client, path).status_code == 404


@pytest.mark.parametrize("username", ["member", "subscriber", "stranger"])
def test_nobody_else_sees_or_changes_keys(client: FlaskClient, session: Session, otters: Hub, username: str) -> None:
    enter(sign_in(client, "owner"))
    (row,) = stored(session)
    client.post("/logout")
    other = sign_in(client.application.test_client(), username)
    assert other.get(ALL).status_code == 403
    assert {enter(other).status_code, post(other, f"{ALL}/{row.id}/remove").status_code} == {403}
    assert [key.id for key in stored(session)] == [row.id]


def test_a_key_of_another_hub_is_not_found(client: FlaskClient, session: Session, otters: Hub) -> None:
    enter(sign_in(client, "owner"))
    (row,) = stored(session)
    other = sign_in(client.application.test_client(), "stranger")
    assert post(other, f"/u/stranger/settings/keys/{row.id}/remove").status_code == 404
    assert len(stored(session)) == 1


def test_forms_need_the_token_of_the_session(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    assert client.post(ALL, data={"address": SITE, "key": "k3y"}).status_code == 400
    assert stored(session) == []


def test_an_archived_hub_shows_its_keys_and_takes_none(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    enter(client)
    session.get_one(Hub, otters.id).archived = True
    session.commit()
    page = client.get(ALL).get_data(as_text=True)
    assert SITE in page
    assert "disabled" in page
    enter(client, "https://other.example")
    assert [row.origin for row in stored(session)] == [SITE]
