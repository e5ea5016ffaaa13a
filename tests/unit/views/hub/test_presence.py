"""Who is counted as being on the pages of a hub: the stream tokens say so."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, Visibility
from tests.unit.conftest import user_of
from tests.unit.views.conftest import post, sign_in


def here(app: Flask, client: FlaskClient, path: str = "/t/otters/stream") -> list[str]:
    token = client.get(path).json["token"]
    return [name for name in app.extensions["hubs"].tokens.read(token).channels if name.startswith("here:")]


@pytest.mark.parametrize(
    ("activity", "unlisted", "level"),
    [("public", False, "public"), ("signed-in", False, "signed-in"), ("owners", False, ""), ("public", True, "")],
)
def test_only_people_who_share_their_activity_are_counted(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, activity: str, unlisted: bool, level: str
) -> None:
    user = user_of(session, "member")
    user.activity, user.unlisted = Visibility(activity), unlisted
    session.commit()
    assert here(app, client) == [f"here:{otters.id}"]
    sign_in(client, "member")
    own = [f"here:{otters.id}:{user.id}:{level}"] if level else []
    assert here(app, client) == [f"here:{otters.id}", *own]
    page = client.get("/t/otters/").get_data(as_text=True)
    assert 'data-here="member"' in page
    assert f"here:{otters.id}:" not in page  # only inside the signed token


def test_hubs_of_people_and_hubs_and_instances_that_turned_it_off_count_nobody(
    app: Flask, client: FlaskClient, session: Session, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "owner")
    assert here(app, client, "/u/owner/stream") == []
    assert "data-here" not in client.get("/u/owner/").get_data(as_text=True)
    context = app.extensions["hubs"]
    silent = replace(context, settings=context.settings.model_copy(update={"presence": False}))
    monkeypatch.setitem(app.extensions, "hubs", silent)
    assert here(app, client) == []
    monkeypatch.undo()
    assert here(app, client) != []
    assert client.get("/t/otters/stream").json["presence"] is True
    answer = post(client, "/t/otters/settings", presence="hidden")
    assert answer.status_code == 303
    assert here(app, client) == []
    assert client.get("/t/otters/stream").json["presence"] is False
    assert "data-here" not in client.get("/t/otters/").get_data(as_text=True)
