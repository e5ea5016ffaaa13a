"""Sessions: new at every sign-in, revocable, and over after a while."""

import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions.people import sessions
from hubs.app import create_app
from hubs.models import Database, SignIn, User, now
from hubs.settings import load
from hubs.views.web import context as views_site
from tests.unit.views.conftest import BASE, post, sign_in


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/me/").status_code == 200


def cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie("hubs")
    assert cookie is not None
    return cookie.value


def test_signing_in_starts_a_new_session_and_ends_the_previous_one(client: FlaskClient, session: Session) -> None:
    sign_in(client, "quillon")
    before = cookie(client)
    with client.session_transaction() as held:
        key = held["key"]
        held["left"] = "over"
    sign_in(client, "quillon")
    with client.session_transaction() as held:
        assert held["key"] != key
        assert "left" not in held
    client.set_cookie("hubs", before)
    assert not is_signed_in(client)
    assert session.query(SignIn).count() == 1


def test_signing_out_invalidates_the_cookie(client: FlaskClient) -> None:
    sign_in(client, "quillon")
    before = cookie(client)
    post(client, "/logout")
    client.set_cookie("hubs", before)
    assert not is_signed_in(client)


def test_the_table_stores_a_hash_of_the_key(client: FlaskClient, session: Session) -> None:
    sign_in(client, "quillon")
    with client.session_transaction() as held:
        assert session.query(SignIn).one().digest == sessions.digest_of(held["key"]) != held["key"]


def test_a_key_is_valid_for_its_own_account_only(client: FlaskClient, session: Session) -> None:
    sign_in(client, "bertil")
    other = session.query(User).one().id
    sign_in(client, "quillon")
    with client.session_transaction() as held:
        held["user"] = other
    assert not is_signed_in(client)


def test_an_idle_session_ends_and_a_used_one_continues(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "quillon")
    idle, present = app.extensions["hubs"].settings.session_idle, time.time()
    monkeypatch.setattr(views_site.time, "time", lambda: present + idle - 10)
    assert is_signed_in(client)
    monkeypatch.setattr(views_site.time, "time", lambda: present + 2 * idle - 30)
    assert is_signed_in(client)
    monkeypatch.setattr(views_site.time, "time", lambda: present + 4 * idle)
    assert not is_signed_in(client)


@pytest.mark.parametrize(("idle", "step"), [(60, 10), (3 * 86400, 4000)])
def test_a_session_is_renewed_before_it_ends_and_seldom(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle: int, step: int
) -> None:
    addresses = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}
    application = create_app(load({**BASE, **addresses, "HUBS_SESSION_IDLE": str(idle)}))
    client = sign_in(application.test_client(), "quillon")
    client.get("/")  # takes the note that signing in left
    before, present = cookie(client), time.time()
    monkeypatch.setattr(views_site.time, "time", lambda: present + step // 4)
    assert is_signed_in(client)
    assert cookie(client) == before
    for steps in range(1, 10):
        monkeypatch.setattr(views_site.time, "time", lambda passed=steps * step: present + passed)
        assert is_signed_in(client)
    assert cookie(client) != before
    application.extensions["hubs"].database.dispose()


def test_a_session_has_a_maximum_lifetime(client: FlaskClient, session: Session) -> None:
    sign_in(client, "quillon")
    session.query(SignIn).update({"expires_on": now()})
    session.commit()
    assert not is_signed_in(client)
    sign_in(client, "bertil")
    assert session.query(SignIn).count() == 1  # what is over is not kept


def test_signing_out_everywhere_keeps_this_session(app: Flask, session: Session) -> None:
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        sign_in(client, "quillon")
    with here.session_transaction() as held:
        key = held["key"]
    assert sessions.end_all(session, session.query(User).one().id, but=key) == 1
    session.commit()
    assert is_signed_in(here)
    assert not is_signed_in(there)
