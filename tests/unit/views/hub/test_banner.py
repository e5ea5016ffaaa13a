"""The banner has one primary action, which depends on who looks and what they did before."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.models import Hub, JoinMode
from tests.unit.views.conftest import post, sign_in

CHAT = "https://chat.example.org/otters"


@pytest.fixture
def hub(session: Session, otters: Hub) -> Hub:
    otters.extras = {"chat": CHAT}
    session.commit()
    return otters


def acts(client: FlaskClient) -> str:
    """Return the controls in the banner, apart from those in its menu."""
    page = client.get("/t/otters/").get_data(as_text=True)
    return unescape(page.partition('class="banner-acts"')[2].partition("<details")[0])


def primary(client: FlaskClient) -> list[str]:
    """Return the texts of the buttons that stand out."""
    buttons = re.findall(r'<(?:a|button)[^>]*class="[^"]*btn-on-hue[^>]*>(.*?)</(?:a|button)>', acts(client), re.S)
    return [re.sub(r"<[^>]*>", "", button).strip() for button in buttons]


def test_each_situation_has_one_primary_action(client: FlaskClient, app: Flask, hub: Hub) -> None:
    assert primary(client) == ["Join"]
    stranger = sign_in(app.test_client(), "stranger")
    assert primary(stranger) == ["Join"]
    post(stranger, "/t/otters/join")
    assert primary(stranger) == ["Request sent"]
    member = sign_in(app.test_client(), "member")
    assert primary(member) == ["Subscribe"]
    post(member, "/t/otters/subscribe")
    assert primary(member) == ["Open chat"]
    assert f'href="{CHAT}"' in acts(member)
    assert primary(sign_in(app.test_client(), "owner")) == ["Edit page"]


def test_an_action_that_is_not_allowed_is_absent(client: FlaskClient, app: Flask, session: Session, hub: Hub) -> None:
    hub.join_mode = JoinMode.INVITATION
    session.commit()
    stranger = sign_in(app.test_client(), "stranger")
    assert (primary(client), primary(stranger)) == (["Subscribe"], ["Subscribe"])
    hub.archived = True
    session.commit()
    for visitor in (client, stranger, sign_in(app.test_client(), "member"), sign_in(app.test_client(), "owner")):
        assert primary(visitor) in ([], ["Open chat"])
        assert "disabled" not in acts(visitor)
