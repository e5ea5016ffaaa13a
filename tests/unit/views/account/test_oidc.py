"""What strangers can send instead of the provider: its keys are asked for rarely, and the log keeps its lines."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from hubs import urls
from hubs.app import create_app
from hubs.models import Database, SignIn, User, now
from hubs.settings import load
from hubs.views.account import logout_tokens
from hubs.views.account.logout_tokens import KEYS_MAX_AGE, LOGOUT, PAUSE, LogoutTokens
from tests.unit.views.conftest import BASE
from tests.upstream import Upstream

OLD, NEW, FORGER = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("old", "new", "forged"))


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    provider = Upstream()
    metadata = {
        "issuer": provider.url,
        "jwks_uri": f"{provider.url}/jwks",
        "id_token_signing_alg_values_supported": ["RS256", "none"],
    }
    provider.on("/.well-known/openid-configuration", metadata)
    publish(provider, OLD)
    yield provider
    provider.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(upstream: Upstream, clock: Clock, database: Database, tmp_path: Path) -> Iterator[Flask]:
    values = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_LOCAL_LOGIN": "0"}
    oidc = {"HUBS_OIDC_ISSUER": upstream.url, "HUBS_OIDC_CLIENT_ID": "hubs", "HUBS_OIDC_CLIENT_SECRET": "x" * 40}
    application = create_app(load({**BASE, **values, **oidc}))
    application.extensions["hubs.oidc.logout"] = LogoutTokens(application.extensions["hubs.oidc"].oidc, clock)
    yield application
    application.extensions["hubs"].database.dispose()
    application.extensions["hubs"].fragments.cache.close()


def publish(upstream: Upstream, *keys: RSAKey) -> None:
    upstream.on("/jwks", {"keys": [key.as_dict(private=False) for key in keys]})


def token(issuer: str, key: RSAKey, kid: str | None = None, **more: Any) -> str:
    said = {"iss": issuer, "aud": "hubs", "iat": int(time.time()), "exp": int(time.time()) + 60, "sub": "bertil"}
    return jwt.encode({"alg": "RS256", "kid": kid or key.kid}, {**said, "events": {LOGOUT: {}}, **more}, key)


def send(app: Flask, said: str) -> int:
    return app.test_client().post(urls.login_backchannel(), data={"logout_token": said}).status_code


def looks(upstream: Upstream) -> int:
    return len([asked for asked in upstream.asked if asked.path == "/jwks"])


def test_many_forged_tokens_cause_one_request_for_keys(app: Flask, upstream: Upstream) -> None:
    for number in range(40):
        assert send(app, token(upstream.url, FORGER, f"forged-{number}")) == 403
    for _ in range(10):
        assert send(app, token(upstream.url, FORGER, "old")) == 403
    assert looks(upstream) == 1
    assert len(upstream.asked) == 2  # and once at the metadata


def test_malformed_tokens_cause_no_request(app: Flask, upstream: Upstream) -> None:
    def headed(header: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + ".e30.x"

    deep = base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x"
    for said in (
        *("", "x", "a.b.c", "..", "é.b.c", "a.b.c.d", "x" * 900_000, deep),
        *map(headed, ([], {}, {"alg": "none"}, {"alg": "HS256"}, {"alg": ["RS256"]}, {"alg": "RS256", "kid": 7})),
        headed({"alg": "RS256", "kid": "a\nb"}),
        headed({"alg": "RS256", "kid": "k" * 300}),
        token(upstream.url, OLD) + "x" * logout_tokens.MAX_TOKEN,
    ):
        assert send(app, said) == 403, said[:80]
    assert upstream.asked == []


def test_back_channel_logout_works_after_the_keys_changed(
    app: Flask, upstream: Upstream, clock: Clock, database: Database
) -> None:
    with database.transaction() as session:
        user = User(username="bertil", issuer=upstream.url, subject="bertil")
        session.add(user)
        session.flush()
        number = user.id
    for keys in ((OLD,), (NEW, OLD)):
        with database.transaction() as session:
            session.add(SignIn(user_id=number, digest="0" * 64, expires_on=now()))
        publish(upstream, *keys)
        clock.at += PAUSE
        assert send(app, token(upstream.url, keys[0])) == 200
        with database.session() as session:
            assert session.scalars(select(SignIn)).all() == []
    assert looks(upstream) == 2


def test_a_withdrawn_key_is_not_trusted_for_long(app: Flask, upstream: Upstream, clock: Clock) -> None:
    assert send(app, token(upstream.url, OLD)) == 200
    publish(upstream, NEW)
    clock.at += KEYS_MAX_AGE
    assert send(app, token(upstream.url, OLD)) == 403
    assert looks(upstream) == 2


@pytest.mark.parametrize(
    "more",
    [{"iss": "http://elsewhere"}, {"aud": "others"}, {"exp": 1}, {"events": {}}, {"events": "x"}, {"nonce": "n"}],
)
def test_a_signed_token_with_other_claims_is_refused(app: Flask, upstream: Upstream, more: dict[str, Any]) -> None:
    assert send(app, token(upstream.url, OLD, **more)) == 403


def test_the_callback_cannot_forge_log_lines(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    said = {"error": "x", "error_description": "y\nWARNING admin signed in", "state": "z"}
    assert app.test_client().get(urls.login_callback(), query_string=said).status_code == 403
    assert "signing in failed" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)
