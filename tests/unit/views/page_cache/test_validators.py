"""Pages answer 304 only while the browser's copy is current and its tokens are valid."""

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.models import Hub, RoleName
from tests.unit.conftest import as_person
from tests.unit.views.conftest import post, sign_in

PAGE = "/t/otters/"


def tag_of(client: FlaskClient) -> str:
    """Return the tag of the hub's page once nothing on it is new any more."""
    client.get(f"{PAGE}?full=1")
    return client.get(PAGE).headers["ETag"]


def again(client: FlaskClient, tag: str) -> TestResponse:
    return client.get(PAGE, headers={"If-None-Match": tag})


@pytest.mark.parametrize("username", ["", "stranger", "owner"])
def test_a_current_copy_gets_304(client: FlaskClient, otters: Hub, username: str) -> None:
    if username:
        sign_in(client, username)
    answer = again(client, tag_of(client))
    assert (answer.status_code, answer.get_data()) == (304, b"")
    assert answer.headers["ETag"].startswith('W/"')
    assert "Cookie" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == ("private, no-cache" if username else "no-cache")


def test_a_change_of_the_hub_changes_the_etag(client: FlaskClient, session: Session, otters: Hub) -> None:
    tag = tag_of(client)
    hub_actions.update(session, as_person(session, "owner"), otters, {"summary": "We dive."})
    session.commit()
    assert b"We dive." in again(client, tag).get_data()


def test_a_rebuilt_fragment_changes_the_etag(app: Flask, client: FlaskClient, session: Session, otters: Hub) -> None:
    tag = tag_of(client)
    app.extensions["hubs"].fragments.build(otters.widgets[0])
    assert again(client, tag).status_code == 200


def test_a_new_role_of_the_viewer_changes_the_etag(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "stranger")
    tag = tag_of(client)
    roles.take_role(session, as_person(session, "stranger"), otters, RoleName.SUBSCRIBER)
    session.commit()
    assert b"unsubscribe" in again(client, tag).get_data()


def test_a_flashed_message_is_never_served_from_the_browsers_copy(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "stranger")
    tag = tag_of(client)
    post(client, f"{PAGE}star")
    noted = again(client, tag)
    assert b'class="flash"' in noted.get_data()
    after = again(client, noted.headers["ETag"])
    assert after.status_code == 200
    assert b'class="flash"' not in after.get_data()


def test_another_person_and_another_session_never_get_304(client: FlaskClient, otters: Hub) -> None:
    anonymous = tag_of(client)
    sign_in(client, "stranger")
    mine = tag_of(client)
    assert mine != anonymous
    post(client, "/logout")
    assert again(client, mine).status_code == 200
    sign_in(client, "stranger")
    assert again(client, mine).status_code == 200, "the forms of the page at hand have the token of another session"


def test_a_page_is_sent_again_before_its_stream_token_expires(
    client: FlaskClient, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = tag_of(client)
    later = time.time() + 6 * 3600 / 4
    monkeypatch.setattr("hubs.views.page_cache.middleware.time.time", lambda: later)
    assert again(client, tag).status_code == 200


def test_head_answers_as_get_does_without_the_page(client: FlaskClient, otters: Hub) -> None:
    tag = tag_of(client)
    answer = client.head(PAGE)
    assert (answer.status_code, answer.headers["ETag"], answer.get_data()) == (200, tag, b"")
    fragment = client.head(f"/w/{otters.widgets[0].id}/fragment?lang=en")
    assert (fragment.status_code, fragment.get_data()) == (200, b"")
