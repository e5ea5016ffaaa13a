"""Making a hub in the page: whoever is signed in, or admins alone, and nothing typed is lost."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import hubs as hub_actions
from hubs.app import create_app
from hubs.models import Database, Hub, RoleName
from hubs.settings import load
from tests.unit.views.conftest import BASE, post, sign_in

FIELDS = {"name": "voles", "display_name": "The Voles", "summary": "Small.", "visibility": "public"}


def test_the_creator_owns_the_hub(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "stranger")
    assert 'href="/new"' in client.get("/").get_data(as_text=True)
    page = client.get("/new").get_data(as_text=True)
    assert page.count('type="radio"') == 4
    answer = post(client, "/new", **FIELDS, template="newcomers")
    assert (answer.status_code, answer.location) == (303, "/t/voles/")
    hub = session.scalars(select(Hub).where(Hub.name == "voles")).one()
    assert [user.username for user in hub.people(RoleName.OWNER)] == ["stranger"]
    assert "halp" in [row.plugin for row in hub.widgets]
    assert "The Voles" in client.get("/t/voles/").get_data(as_text=True)
    assert otters.name == "otters"


@pytest.mark.usefixtures("otters")
def test_the_form_keeps_its_values_beside_errors(client: FlaskClient) -> None:
    sign_in(client, "stranger")
    for name, status in (("otters", 409), ("no spaces", 400), ("", 400)):
        answer = post(client, "/new", **{**FIELDS, "name": name}, template="event")
        page = answer.get_data(as_text=True)
        assert answer.status_code == status
        assert 'aria-invalid="true"' in page
        assert 'value="The Voles"' in page
        assert 'value="event" aria-describedby="h-template-event" checked' in page
    assert post(client, "/new", **FIELDS, template="castle").status_code == 400
    assert client.get("/t/voles/").status_code == 404


@pytest.mark.usefixtures("otters")
def test_visitors_are_asked_to_sign_in(client: FlaskClient) -> None:
    assert 'href="/new"' not in client.get("/").get_data(as_text=True)
    assert client.get("/new").status_code == 403
    assert post(client, "/new", **FIELDS, template="team").status_code == 403


@pytest.mark.usefixtures("otters")
def test_hub_creation_can_be_limited_to_admins(database: Database, tmp_path: Path) -> None:
    values = {**BASE, "HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path)}
    app = create_app(load({**values, "HUBS_HUB_CREATION": "admins", "HUBS_ADMINS": "member"}))
    client = app.test_client()
    for username, status in (("owner", 403), ("stranger", 403), ("member", 303)):
        sign_in(client, username)
        assert ('href="/new"' in client.get("/").get_data(as_text=True)) is (status == 303)
        assert client.get("/new").status_code == (200 if status == 303 else 403)
        assert post(client, "/new", **FIELDS, template="team").status_code == status
    app.extensions["hubs"].database.dispose()
    app.extensions["hubs"].fragments.cache.close()


@pytest.mark.usefixtures("otters")
def test_a_name_that_is_taken_concurrently_is_a_conflict(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(client, "stranger")
    look, looks = hub_actions.similar, list[str]()

    def too_early(session: Session, kind: str, name: str, besides: Hub | None = None) -> Hub | None:
        looks.append(name)
        return look(session, kind, name) if len(looks) > 1 else None

    monkeypatch.setattr(hub_actions, "similar", too_early)
    answer = post(client, "/new", **{**FIELDS, "name": "otters"}, template="event")
    assert (answer.status_code, len(looks)) == (409, 2)
    assert 'value="The Voles"' in answer.get_data(as_text=True)
