"""Sessions and open forms survive a new key of the instance."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hubs.app import _flask_config
from hubs.models import Hub
from hubs.settings import load
from tests.unit.views.conftest import BASE, sign_in, token

OLD, NEW = BASE["HUBS_SECRET_KEY"], "the new key, long enough to be used"


def use(app: Flask, monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    for name, value in _flask_config(load({**BASE, "HUBS_SECRET_KEY": keys})).items():
        monkeypatch.setitem(app.config, name, value)


def subscribe(client: FlaskClient, csrf: str) -> int:
    return client.post("/t/otters/subscribe", data={"csrf_token": csrf}).status_code


@pytest.mark.usefixtures("otters")
def test_nobody_is_signed_out_and_open_forms_can_be_sent(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "stranger")
    csrf = token(client, "/t/otters/")
    use(app, monkeypatch, f"{NEW},{OLD}")
    assert "stranger" in client.get("/me/").get_data(as_text=True)
    assert subscribe(client, csrf) == 303
    # Whatever the new key signed needs the old one no longer.
    with client.session_transaction() as session:
        session["touched"] = True
    use(app, monkeypatch, NEW)
    assert client.get("/me/").status_code == 200


def test_without_the_old_key_everybody_is_signed_out(
    app: Flask, client: FlaskClient, otters: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "stranger")
    use(app, monkeypatch, NEW)
    assert client.get("/me/").status_code != 200
