"""Coming back from the provider: several tabs, unsigned ID tokens, and callbacks of another provider."""

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from werkzeug.test import TestResponse

from hubs import urls
from tests.unit.views.account.test_oidc import OLD, app, clock, upstream
from tests.upstream import Upstream

__all__ = ("app", "clock", "upstream")


@pytest.fixture
def metadata(upstream: Upstream) -> dict[str, Any]:
    """Return the provider's metadata, which the test can change before the first request."""
    values: dict[str, Any] = {
        "issuer": upstream.url,
        "jwks_uri": f"{upstream.url}/jwks",
        "authorization_endpoint": f"{upstream.url}/authorize",
        "token_endpoint": f"{upstream.url}/token",
    }
    upstream.on("/.well-known/openid-configuration", values)
    return values


def begin(client: FlaskClient, target: str = "/") -> dict[str, str]:
    """Start signing in, and return the parameters that the browser takes to the provider."""
    answer = client.get(urls.login_start(), query_string={"next": target})
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


def claims(upstream: Upstream, sent: dict[str, str]) -> dict[str, Any]:
    moment = int(time.time())
    person = {"sub": "bertil", "preferred_username": "bertil"}
    return {"iss": upstream.url, "aud": "hubs", "iat": moment, "exp": moment + 60, "nonce": sent["nonce"], **person}


def come_back(
    client: FlaskClient, upstream: Upstream, sent: dict[str, str], id_token: str, **more: str
) -> TestResponse:
    upstream.on("/token", {"access_token": "a", "token_type": "Bearer", "id_token": id_token})
    return client.get(urls.login_callback(), query_string={"code": "c", "state": sent["state"], **more})


def signed(upstream: Upstream, sent: dict[str, str]) -> str:
    return str(jwt.encode({"alg": "RS256", "kid": OLD.kid}, claims(upstream, sent), OLD))


def unsigned(upstream: Upstream, sent: dict[str, str]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims(upstream, sent))]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), ""])


def test_tabs_sign_in_at_the_same_time(app: Flask, upstream: Upstream, metadata: dict[str, Any]) -> None:
    client = app.test_client()
    tabs = [begin(client, f"/t/hub-{number}/") for number in range(3)]
    for number in (1, 0, 2):
        answer = come_back(client, upstream, tabs[number], signed(upstream, tabs[number]))
        assert (answer.status_code, answer.location) == (303, f"/t/hub-{number}/")
    assert "bertil" in client.get("/me/").get_data(as_text=True)
    # Each attempt works once only.
    assert come_back(client, upstream, tabs[0], signed(upstream, tabs[0])).status_code == 403


def test_the_cookie_keeps_the_newest_three_attempts(app: Flask, upstream: Upstream, metadata: dict[str, Any]) -> None:
    client = app.test_client()
    tabs = [begin(client, f"/t/{'x' * 400}-{number}/") for number in range(5)]
    cookie = client.get_cookie("hubs")
    assert cookie is not None
    assert len(cookie.value) < 3900  # browsers drop cookies of more than 4096 bytes
    for number, status in ((0, 403), (1, 403), (2, 303), (3, 303), (4, 303)):
        answer = come_back(client, upstream, tabs[number], signed(upstream, tabs[number]))
        assert answer.status_code == status, number


@pytest.mark.parametrize("offered", [["RS256", "none", "HS256"], ["none"], None])
def test_unsigned_id_tokens_are_refused(
    app: Flask, upstream: Upstream, metadata: dict[str, Any], offered: list[str] | None
) -> None:
    if offered is not None:
        metadata["id_token_signing_alg_values_supported"] = offered
    client = app.test_client()
    if offered == ["none"]:
        assert client.get(urls.login_start()).status_code == 403
        return
    sent = begin(client)
    assert come_back(client, upstream, sent, unsigned(upstream, sent)).status_code == 403
    assert client.get("/me/").status_code == 403
    sent = begin(client)
    assert come_back(client, upstream, sent, signed(upstream, sent)).status_code == 303


@pytest.mark.parametrize(
    ("announced", "issuer", "status"),
    [
        (True, "ours", 303),
        (True, "http://evil.example", 403),
        (True, "", 403),
        (True, None, 403),
        (False, "ours", 303),
        (False, None, 303),
        (False, "http://evil.example", 403),
    ],
)
def test_the_issuer_of_the_callback_is_compared(
    app: Flask, upstream: Upstream, metadata: dict[str, Any], announced: bool, issuer: str | None, status: int
) -> None:
    metadata["authorization_response_iss_parameter_supported"] = announced
    client = app.test_client()
    sent = begin(client)
    more = {} if issuer is None else {"iss": upstream.url if issuer == "ours" else issuer}
    assert come_back(client, upstream, sent, signed(upstream, sent), **more).status_code == status
