"""Forms are limited per person and address, like requests to the API."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hubs.models import Hub
from hubs.views.web.rate_limits import Limiter
from tests.unit.views.conftest import post, sign_in, token

pytestmark = pytest.mark.usefixtures("same_minute")


def limit(app: Flask, per_minute: int) -> None:
    object.__setattr__(app.extensions["hubs"], "api_limiter", Limiter("redis://127.0.0.1:1/0", per_minute))


def test_too_many_forms_are_refused_per_person_and_keep_what_was_typed(
    app: Flask, client: FlaskClient, otters: Hub
) -> None:
    sign_in(client, "member")
    other = sign_in(app.test_client(), "stranger")
    limit(app, 3)
    acts = ["star", "unstar", "subscribe", "star"]
    assert [post(client, f"/t/otters/{act}").status_code for act in acts] == [303, 303, 303, 429]
    fields = {"fullname": "Ottoline", "csrf_token": token(client, "/search")}
    refused = client.post("/me/", data=fields, headers={"Origin": "http://127.0.0.1"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert 'value="Ottoline"' in refused.get_data(as_text=True)
    # Reading goes on, and others are not affected.
    assert client.get("/t/otters/").status_code == 200
    assert post(other, "/t/otters/star").status_code == 303


def test_visitors_are_limited_per_address_whatever_they_send(app: Flask, client: FlaskClient, otters: Hub) -> None:
    limit(app, 2)
    headers = {"X-CSRFToken": token(client)}
    answers = [client.post("/logout", headers=headers), client.post("/logout"), client.post("/login", data={"a": "b"})]
    assert [answer.status_code for answer in answers] == [303, 400, 400]
    assert client.post("/login", data={"a": "b"}).status_code == 429
    elsewhere = client.post("/login", data={"a": "b"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 400


def test_forms_and_the_api_are_counted_apart(app: Flask, client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "member")
    limit(app, 2)
    assert [post(client, "/t/otters/star").status_code for _ in range(3)] == [303, 303, 429]
    assert client.get("/api/v1/me").status_code == 200
    # Other programs send to addresses of their own.
    for path in ("/login/backchannel", "/hooks/unknown"):
        assert [client.post(path, data={"logout_token": "x"}).status_code for _ in range(4)] == [404] * 4
