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
from hubs.views.account.logout_tokens import KEPT, LOGOUT, PAUSE, LogoutTokens
from tests.unit.views.conftest import BASE
from tests.upstream import Upstream

OLD, NEW, FORGER = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("old", "new", "forged"))


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    metadata = {
        "issuer": found.url,
        "jwks_uri": f"{found.url}/jwks",
        "id_token_signing_alg_values_supported": ["RS256", "none"],
    }
    found.on("/.well-known/openid-configuration", metadata)
    publish(found, OLD)
    yield found
    found.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(upstream: Upstream, clock: Clock, database: Database, tmp_path: Path) -> Iterator[Flask]:
    values = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_LOCAL_LOGIN": "0"}
    oidc = {"HUBS_OIDC_ISSUER": upstream.url, "HUBS_OIDC_CLIENT_ID": "hubs", "HUBS_OIDC_CLIENT_SECRET": "x" * 40}
    found = create_app(load({**BASE, **values, **oidc}))
    found.extensions["hubs.oidc.logout"] = LogoutTokens(found.extensions["hubs.oidc"].oidc, clock)
    yield found
    found.extensions["hubs"].database.dispose()
    found.extensions["hubs"].fragments.cache.close()


def publish(upstream: Upstream, *keys: RSAKey) -> None:
    upstream.on("/jwks", {"keys": [key.as_dict(private=False) for key in keys]})


def token(issuer: str, key: RSAKey, kid: str | None = None, **more: Any) -> str:
    said = {"iss": issuer, "aud": "hubs", "iat": int(time.time()), "exp": int(time.time()) + 60, "sub": "bertil"}
    return jwt.encode({"alg": "RS256", "kid": kid or key.kid}, {**said, "events": {LOGOUT: {}}, **more}, key)


def send(app: Flask, said: str) -> int:
    return app.test_client().post(urls.login_backchannel(), data={"logout_token": said}).status_code


def looks(upstream: Upstream) -> int:
    return len([asked for asked in upstream.asked if asked.path == "/jwks"])


def test_many_forged_tokens_make_us_look_at_the_keys_once(app: Flask, upstream: Upstream) -> None:
    for number in range(40):
        assert send(app, token(upstream.url, FORGER, f"forged-{number}")) == 403
    for _ in range(10):
        assert send(app, token(upstream.url, FORGER, "old")) == 403
    assert looks(upstream) == 1
    assert len(upstream.asked) == 2  # and once at the metadata


def test_what_has_not_the_form_of_a_token_asks_nobody(app: Flask, upstream: Upstream) -> None:
    def headed(header: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + ".e30.x"

    deep = base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x"
    for said in (
        *("", "x", "a.b.c", "..", "é.b.c", "a.b.c.d", "x" * 900_000, deep),
        *map(headed, ([], {}, {"alg": "none"}, {"alg": "HS256"}, {"alg": ["RS256"]}, {"alg": "RS256", "kid": 7})),
        headed({"alg": "RS256", "kid": "a\nb"}),
        headed({"alg": "RS256", "kid": "k" * 300}),
        token(upstream.url, OLD) + "x" * logout_tokens.MOST_LETTERS,
    ):
        assert send(app, said) == 403, said[:80]
    assert upstream.asked == []


def test_who_signed_out_at_the_provider_is_signed_out_also_after_its_keys_changed(
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


def test_a_key_that_the_provider_withdrew_is_not_believed_for_long(
    app: Flask, upstream: Upstream, clock: Clock
) -> None:
    assert send(app, token(upstream.url, OLD)) == 200
    publish(upstream, NEW)
    clock.at += KEPT
    assert send(app, token(upstream.url, OLD)) == 403
    assert looks(upstream) == 2


@pytest.mark.parametrize(
    "more",
    [{"iss": "http://elsewhere"}, {"aud": "others"}, {"exp": 1}, {"events": {}}, {"events": "x"}, {"nonce": "n"}],
)
def test_a_signed_token_that_says_something_else_is_refused(
    app: Flask, upstream: Upstream, more: dict[str, Any]
) -> None:
    assert send(app, token(upstream.url, OLD, **more)) == 403


def test_what_a_stranger_writes_into_the_callback_makes_no_line_of_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"error": "x", "error_description": "y\nWARNING admin signed in", "state": "z"}
    assert app.test_client().get(urls.login_callback(), query_string=said).status_code == 403
    assert "signing in failed" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)
