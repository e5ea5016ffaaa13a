"""The OpenAPI document is valid, says all, and the API does what it says: schemathesis sends whatever it allows."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode, checks
from sqlalchemy.orm import Session

from hubs.actions import tokens
from hubs.app import create_app
from hubs.models import Database, Hub
from hubs.settings import load
from tests.unit.conftest import as_person
from tests.unit.views.conftest import BASE

EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_document_is_valid_openapi_3_1(client: FlaskClient) -> None:
    found = client.get("/api/v1/openapi.json").json
    assert found["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(found).validate()


def test_the_document_has_every_route_and_says_how_one_signs_in(app: Flask, client: FlaskClient) -> None:
    found = client.get("/api/v1/openapi.json").json
    routes = {
        (rule.endpoint.split(".")[0], method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint.split(".")[0] not in ("push", "api_document")
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    told = {
        (one["tags"][0], method.upper())
        for path in found["paths"].values()
        for method, one in path.items()
        if method != "parameters"
    }
    assert told == routes
    for path in found["paths"].values():
        for method in set(path) - {"get", "parameters"}:
            assert path[method]["security"] == [{"token": []}, {"session": [], "form": []}]
    assert set(found["components"]["securitySchemes"]) == {"token", "session", "form"}


def test_a_page_shows_it_to_people_without_scripts_of_others(client: FlaskClient) -> None:
    page = client.get("/api/v1/").get_data(as_text=True)
    assert "PATCH /api/v1/widgets/{number}" in page
    assert 'src="http' not in page
    assert page.count("<h2") >= 6


NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)


@pytest.mark.parametrize("who", ["owner", ""])
def test_whatever_is_sent_is_answered_as_the_document_says(
    database: Database, session: Session, otters: Hub, tmp_path: Path, who: str
) -> None:
    places = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_API_RATE": "1000000"}
    app = create_app(load({**BASE, **places}))
    headers = {}
    if who:
        headers["Authorization"] = f"Bearer {tokens.create(session, as_person(session, who), 'fuzz', 1, 'write')[1]}"
        session.commit()
    real = {
        "space": "t",
        "name": "otters",
        "number": otters.widgets[0].id,
        "username": "member",
        "plugin": "feed",
        "role": "member",
    }
    checks.load_all_checks()
    wanted = checks.CHECKS.get_by_names(NAMES)
    asked: Counter[int] = Counter()
    operations = [
        found.ok() for found in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations()
    ]
    for operation, mode in itertools.product(
        sorted(operations, key=lambda one: one.method == "DELETE"), GenerationMode
    ):
        if mode == GenerationMode.NEGATIVE and not (list(operation.query) or list(operation.body)):
            continue  # nothing in it can be wrong
        names = {parameter.name for parameter in operation.path_parameters}
        known = {name: value for name, value in real.items() if name in names}
        strategy = operation.as_strategy(mode, path_parameters=known)

        @settings(EXAMPLES)
        @given(strategy)
        def send(case: schemathesis.Case) -> None:
            answer = case.call(headers=headers)
            asked[answer.status_code] += 1
            case.validate_response(answer, checks=wanted)

        send()
    app.extensions["hubs"].database.dispose()
    app.extensions["hubs"].fragments.cache.close()
    assert {200, 400, 404} <= set(asked) if who else {200, 401} <= set(asked)
