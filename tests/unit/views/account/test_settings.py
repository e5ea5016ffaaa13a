"""A person's own page: settings, data, sessions, and the end of an account; by the person alone."""

import json

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, User, Visibility
from tests.unit.conftest import user_of
from tests.unit.views.conftest import post, sign_in

GOOD = {"fullname": "Mem Ber", "timezone": "Europe/Oslo", "locale": "", "activity": "signed-in", "unlisted": "on"}


def test_settings_are_saved_and_the_form_keeps_invalid_values(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    sign_in(client, "member")
    answer = post(client, "/me/", **{**GOOD, "timezone": "Moon/Base"})
    assert answer.status_code == 400
    assert "Moon/Base" in answer.get_data(as_text=True)
    assert post(client, "/me/", **GOOD).status_code == 303
    session.expire_all()
    user = user_of(session, "member")
    assert (user.fullname, user.timezone, user.activity) == ("Mem Ber", "Europe/Oslo", Visibility.SIGNED_IN)
    assert (user.unlisted, user.quiet_unfollow) == (True, False)
    assert "/u/member/" in client.get("/").get_data(as_text=True)
    for username in ("owner", "subscriber", "stranger"):
        assert "/u/member/" not in sign_in(client, username).get("/").get_data(as_text=True)


def test_unlisted_people_are_left_out_of_the_list_of_a_team(client: FlaskClient, session: Session, otters: Hub) -> None:
    user_of(session, "member").unlisted = True
    session.commit()
    seen = {}
    for username in ("owner", "member", "subscriber", "stranger"):
        page = sign_in(client, username).get("/t/otters/members").get_data(as_text=True)
        seen[username] = "<small>member</small>" in page
    assert seen == {"owner": True, "member": True, "subscriber": False, "stranger": False}


def test_a_person_exports_their_data(client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "member")
    answer = post(client, "/me/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hubs-member.json"'
    assert json.loads(answer.get_data(as_text=True))["account"]["username"] == "member"
    assert client.get("/me/export").status_code == 405


def test_other_browsers_are_signed_out(app: Flask, otters: Hub) -> None:
    here, there = sign_in(app.test_client(), "member"), sign_in(app.test_client(), "member")
    assert post(here, "/me/sign-out").status_code == 303
    assert here.get("/me/").status_code == 200
    assert there.get("/me/").status_code == 403


def test_deleting_an_account_requires_its_name(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "member")
    assert post(client, "/me/delete", username="owner").status_code == 400
    assert post(client, "/me/delete", username="member").status_code == 303
    assert client.get("/me/").status_code == 403
    assert client.get("/u/member/").status_code == 404
    session.expire_all()
    assert session.query(User).filter_by(username="member").count() == 0
    sign_in(client, "owner")
    answer = post(client, "/me/delete", username="owner")
    assert answer.status_code == 409
    assert "last owner" in answer.get_data(as_text=True)
