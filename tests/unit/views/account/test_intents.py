"""What visitors want to do leads through sign-in, and is done only for the browser that stated it."""

import random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, JoinMode, JoinRequest, Role, RoleName, Visibility
from hubs.views.account import intents
from tests.unit.conftest import user_of
from tests.unit.views.conftest import post, sign_in, token


def target_of(answer: Any) -> str:
    """Return where the sign-in page leads to."""
    assert answer.status_code == 303
    parts = urlsplit(answer.location)
    assert (parts.path, parts.netloc) == ("/login", "")
    return parse_qs(parts.query)["next"][0]


def enter(client: FlaskClient, username: str, target: str) -> str:
    """Sign in, and return where that leads to."""
    fields = {"username": username, "next": target, "csrf_token": token(client)}
    answer = client.post("/login", data=fields)
    assert answer.status_code == 303
    return answer.location


def roles_of(session: Session, hub: Hub, username: str) -> set[str]:
    session.rollback()
    user = user_of(session, username)
    return {role.role.value for role in session.query(Role).filter_by(hub_id=hub.id, user_id=user.id)}


@pytest.mark.parametrize(("act", "role"), [("subscribe", "subscriber"), ("star", "stargazer")])
def test_a_visitor_signs_in_and_it_is_done(
    client: FlaskClient, session: Session, otters: Hub, act: str, role: str
) -> None:
    assert f'href="/t/otters/{act}"' in client.get("/t/otters/").get_data(as_text=True)
    answer = client.get(f"/t/otters/{act}")
    assert f"to {act} " in client.get(answer.location).get_data(as_text=True)
    assert enter(client, "stranger", target_of(answer)) == "/t/otters/"
    assert roles_of(session, otters, "stranger") == {role}
    assert "otters" in client.get("/t/otters/").get_data(as_text=True)


def test_the_first_sign_in_of_a_new_person_does_it_too(client: FlaskClient, session: Session, otters: Hub) -> None:
    enter(client, "newcomer", target_of(client.get("/t/otters/subscribe")))
    assert roles_of(session, otters, "newcomer") == {"subscriber"}


def test_an_open_hub_is_joined(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.join_mode = JoinMode.OPEN
    session.commit()
    enter(client, "stranger", target_of(client.get("/t/otters/join")))
    assert roles_of(session, otters, "stranger") == {"member"}


def test_conditions_are_shown_before_sign_in(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.join_mode, otters.join_conditions = JoinMode.OPEN, "Please *swim*."
    session.commit()
    assert "<em>swim</em>" in client.get("/t/otters/join").get_data(as_text=True)


def test_a_request_to_join_keeps_its_message(client: FlaskClient, session: Session, otters: Hub) -> None:
    assert "<textarea" in client.get("/t/otters/join").get_data(as_text=True)
    enter(client, "stranger", target_of(post(client, "/t/otters/join", message="I swim well.")))
    session.rollback()
    request = session.get_one(JoinRequest, (otters.id, user_of(session, "stranger").id))
    assert request.message == "I swim well."


def test_the_longest_message_fits_the_cookie_and_a_longer_one_comes_back(client: FlaskClient, otters: Hub) -> None:
    generator = random.Random(1)
    text = "".join(chr(generator.randrange(0x4E00, 0x9FFF)) for _ in range(intents.MESSAGE))
    assert post(client, "/t/otters/join", message=text).status_code == 303
    cookie = client.get_cookie("hubs")
    assert cookie is not None
    assert len(cookie.value) < 3000  # browsers drop cookies of more than 4096 bytes, and attempts to sign in need room
    answer = post(client, "/t/otters/join", message=text + "x")
    assert answer.status_code == 400
    assert text + "x" in answer.get_data(as_text=True)


def test_another_browser_cannot_use_the_intent(app: Flask, client: FlaskClient, session: Session, otters: Hub) -> None:
    """The address of a sign-in page that somebody sends to another person does nothing there."""
    target = target_of(client.get("/t/otters/subscribe"))
    other = app.test_client()
    assert enter(other, "stranger", target) == "/t/otters/"
    other = app.test_client()
    other.get("/t/otters/star")  # has a number of its own
    assert enter(other, "stranger", target) == "/t/otters/"
    assert roles_of(session, otters, "stranger") == set()


def test_an_intent_that_is_not_in_the_target_is_not_carried_out(
    client: FlaskClient, session: Session, otters: Hub
) -> None:
    client.get("/t/otters/subscribe")  # and then the person signs in for something else
    assert enter(client, "stranger", "/teams/") == "/teams/"
    assert roles_of(session, otters, "stranger") == set()


def test_an_intent_works_once(client: FlaskClient, session: Session, otters: Hub) -> None:
    target = target_of(client.get("/t/otters/subscribe"))
    enter(client, "stranger", target)
    post(client, "/t/otters/unsubscribe")
    post(client, "/logout")
    assert enter(client, "stranger", target) == "/t/otters/"
    assert roles_of(session, otters, "stranger") == set()


def test_an_intent_expires(client: FlaskClient, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_of(client.get("/t/otters/subscribe"))
    monkeypatch.setattr(intents, "LIFETIME", -1)
    assert enter(client, "stranger", target) == "/t/otters/"
    assert roles_of(session, otters, "stranger") == set()


@pytest.mark.parametrize("spoilt", ["x", "", "eyJ.a.b"])
def test_a_spoilt_token_leads_to_the_hub_alone(client: FlaskClient, session: Session, otters: Hub, spoilt: str) -> None:
    target = target_of(client.get("/t/otters/subscribe"))
    assert enter(client, "stranger", f"{target}{spoilt}" if spoilt else "/t/otters/?intent=") in (
        "/t/otters/",
        "/t/otters/?intent=",
    )
    assert roles_of(session, otters, "stranger") == (set() if spoilt in ("x", "eyJ.a.b", "") else {"subscriber"})


def test_the_target_stays_on_this_site(client: FlaskClient, otters: Hub) -> None:
    token_of = urlsplit(target_of(client.get("/t/otters/subscribe"))).query
    assert enter(client, "stranger", f"https://evil.example/?{token_of}") == "/"


def test_permissions_are_checked_after_signing_in(client: FlaskClient, session: Session, otters: Hub) -> None:
    target = target_of(client.get("/t/otters/subscribe"))
    otters.visibility = Visibility.OWNERS
    session.commit()
    enter(client, "stranger", target)
    assert roles_of(session, otters, "stranger") == set()
    client = client.application.test_client()
    otters.visibility = Visibility.PUBLIC
    session.commit()
    target = target_of(client.get("/t/otters/star"))
    otters.archived = True
    session.commit()
    enter(client, "stranger", target)
    assert "archived and read-only" in client.get("/").get_data(as_text=True)
    assert roles_of(session, otters, "stranger") == set()


def test_nobody_subscribes_to_themselves_or_stars_themselves(client: FlaskClient, session: Session, team: Hub) -> None:
    own = session.query(Hub).filter_by(kind="user", name="stranger").one()
    session.commit()
    target = target_of(client.get("/u/stranger/subscribe"))
    enter(client, "stranger", target)
    page = client.get("/u/stranger/").get_data(as_text=True)
    assert "You cannot subscribe to your own hub" in page
    assert "/u/stranger/subscribe" not in page
    assert "/u/stranger/star" not in page
    for act in ("subscribe", "star"):
        assert post(client, f"/u/stranger/{act}").status_code == 403
    assert roles_of(session, own, "stranger") == {RoleName.OWNER.value}


def test_pages_for_accounts_offer_sign_in(client: FlaskClient, otters: Hub) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/stream/", "/stream/?show=saved", "/me/", "/t/otters/edit"):
        assert target_of(client.get(path, headers=browser)) == path
    # Scripts, and people who are signed in and may not, get the refusal.
    assert client.get("/stream/new", headers={"Accept": "*/*"}).status_code == 403
    sign_in(client, "stranger")
    assert client.get("/t/otters/edit", headers=browser).status_code == 403
