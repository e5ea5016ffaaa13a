"""NUL, which PostgreSQL cannot store, is refused in every part of a request to every route."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import hubs.views
from hubs.actions.people import tokens
from hubs.models import Hub, Scope
from tests.unit.conftest import as_person
from tests.unit.views.conftest import sign_in, token
from tests.unit.views.test_routes import path_of

BAD = "a\0b"
#: The names that views read from a query or a form.
NAME = re.compile(r'(?:args|form|values)(?:\.get\(|\[)"(\w+)"')
SOURCES = Path(hubs.views.__file__).parent


@pytest.fixture(scope="module")
def names() -> set[str]:
    read = {name for path in SOURCES.rglob("*.py") for name in NAME.findall(path.read_text())}
    assert {"q", "username", "recent", "label"} <= read
    return read | {"fullname", "display_name", "summary", "description", "cursor", "limit", "contact-0-text"}


@pytest.fixture
def owner(client: FlaskClient, otters: Hub) -> FlaskClient:
    return sign_in(client, "owner")


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.rule, method


def send(client: FlaskClient, path: str, method: str, **more: object) -> TestResponse:
    answer = client.open(path, method=method, **more)
    answer.close()
    return answer


def test_a_path_with_nul_is_not_found(app: Flask, owner: FlaskClient, otters: Hub) -> None:
    headers = {"X-CSRFToken": token(owner, "/")}
    checked = 0
    for route, method in routes(app):
        for converter in re.findall(r"<(?:path:)?\w+>", route):
            path = path_of(route.replace(converter, "a%00b"), otters)
            assert send(owner, path, method, headers=headers).status_code == 404, (method, path)
            checked += 1
    assert checked > 40


def test_a_query_with_nul_is_an_invalid_request(app: Flask, owner: FlaskClient, otters: Hub, names: set[str]) -> None:
    headers = {"X-CSRFToken": token(owner, "/")}
    for route, method in routes(app):
        path = path_of(route, otters).partition("?")[0]
        for query in (dict.fromkeys(names, BAD), {BAD: "1"}, {"q": ["fine", BAD]}):
            answer = send(owner, path, method, query_string=query, headers=headers)
            assert answer.status_code == 400, (method, path)


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_with_nul_is_an_invalid_request(
    app: Flask, owner: FlaskClient, otters: Hub, names: set[str], content_type: str
) -> None:
    csrf = {"csrf_token": token(owner, "/")}
    for route, method in routes(app):
        # The body of a webhook is no form: an unknown address and a wrong signature are refused before it is read.
        if method == "GET" or route.startswith("/hooks/"):
            continue
        for fields in (dict.fromkeys(names, BAD), {BAD: "1"}, {"act": ["fine", BAD]}):
            answer = send(owner, path_of(route, otters), method, data=fields | csrf, content_type=content_type)
            if route.startswith("/hooks/"):
                # The signature is that of the bytes, so the form is not parsed before it is checked.
                assert answer.status_code == 404
                continue
            assert answer.status_code == 400, (method, route)
            assert "invalid characters" in answer.get_data(as_text=True), route


@pytest.mark.parametrize(
    "body",
    [
        {"name": BAD},
        {"settings": {"text": ["fine", BAD]}},
        *(pytest.param(body, marks=pytest.mark.slow) for body in ({BAD: 1}, [BAD], BAD)),
    ],
)
def test_json_with_nul_never_fails(app: Flask, session: Session, owner: FlaskClient, otters: Hub, body: object) -> None:
    text = tokens.create(session, as_person(session, "owner"), "test", 1, Scope.WRITE)[1]
    session.commit()
    csrf = token(owner, "/")
    for route, method in routes(app):
        if method == "GET":
            continue
        is_api = route.startswith("/api/")
        headers = {"Authorization": f"Bearer {text}"} if is_api else {"X-CSRFToken": csrf}
        # Pages read no JSON: to them it is an empty form, of which deleting the account is none.
        answer = send(owner, path_of(route, otters), method, json=body, headers=headers)
        assert answer.status_code < 500, (method, route)
        if method in ("PATCH", "POST") and is_api:
            assert answer.status_code == 400, (method, route)
