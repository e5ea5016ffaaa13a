"""The OpenAPI document is valid and complete, and the API conforms to it: schemathesis sends what it allows."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from sqlalchemy.orm import Session

from hubs.actions import push, widgets
from hubs.actions.people import tokens
from hubs.app import create_app
from hubs.models import Database, Hub
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.unit.conftest import as_person
from tests.unit.views.conftest import BASE

SETTINGS = settings(
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: How many examples of each operation are sent.
EXAMPLES = pytest.mark.parametrize("examples", [4, pytest.param(25, marks=pytest.mark.slow)])


def test_the_document_is_valid_openapi_3_1(client: FlaskClient) -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: PLC0415 -- takes a second, for this test alone

    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_has_every_route_and_its_authentication(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    routes = {
        (rule.endpoint.split(".")[0], method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint.split(".")[0] != "api_document"
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    told = {
        (operation["tags"][0], method.upper())
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    assert told == routes
    people, machines = [{"token": []}, {"session": [], "form": []}], [{"machine": []}]
    for path in document["paths"].values():
        for method in set(path) - {"get", "parameters"}:
            assert path[method]["security"] == (machines if path[method]["tags"] == ["Machines"] else people)
    assert document["paths"]["/api/v1/push/{number}"]["get"]["security"] == machines
    assert set(document["components"]["securitySchemes"]) == {"token", "session", "form", "machine"}


def test_the_documentation_page_loads_no_third_party_script(client: FlaskClient) -> None:
    page = client.get("/api/v1/").get_data(as_text=True).replace("<wbr>", "")
    assert "PATCH /api/v1/widgets/{number}" in page
    assert "PUT /api/v1/push/{number}" in page
    assert '<th scope="row"><code>severity</code></th>' in page
    assert 'src="http' not in page
    assert page.count("<h2") >= 6


#: What has tokens of its own.
MACHINES = "/api/v1/push/"
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)


@EXAMPLES
@pytest.mark.parametrize("who", ["owner", pytest.param("", marks=pytest.mark.slow)])
def test_whatever_is_sent_is_answered_as_the_document_says(
    database: Database, session: Session, registry: Registry, otters: Hub, tmp_path: Path, who: str, examples: int
) -> None:
    places = {"HUBS_DATABASE_URL": str(database.url), "HUBS_DATA_DIR": str(tmp_path), "HUBS_API_RATE": "1000000"}
    app = create_app(load({**BASE, **places, "HUBS_PUSH_RATE": "1000000"}))
    box, machine = widgets.add(session, registry, as_person(session, "owner"), otters, "push", "left"), {}
    headers = {}
    if who:
        text = push.create_token(session, as_person(session, who), box, "fuzz", 1)[1]
        machine["Authorization"] = f"Bearer {text}"
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
    # Machines may send null, or rows with nothing in them, for what they have nothing to say about.
    lenient = checks.CHECKS.get_by_names([name for name in NAMES if name != "negative_data_rejection"])
    asked: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    operations = [
        document.ok() for document in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations()
    ]
    # Whatever is sent may archive the hub, which then takes nothing from machines.
    operations.sort(key=lambda operation: (not operation.path.startswith(MACHINES), operation.method == "DELETE"))
    for operation, mode in itertools.product(operations, GenerationMode):
        if mode == GenerationMode.NEGATIVE and not (list(operation.query) or list(operation.body)):
            continue  # nothing in it can be wrong
        names = {parameter.name for parameter in operation.path_parameters}
        known = {name: value for name, value in real.items() if name in names}
        known |= {"number": box.id} if operation.path.startswith(MACHINES) else {}
        strategy = operation.as_strategy(mode, path_parameters=known)

        @settings(SETTINGS, max_examples=examples)
        @given(strategy)
        def send(case: schemathesis.Case) -> None:
            of_machines = case.operation.path.startswith(MACHINES)
            answer = case.call(headers=machine if of_machines else headers)
            (filled if of_machines else asked)[answer.status_code] += 1
            # Schemathesis does not count as a refusal that something changed, or is too large.
            refused = answer.status_code in (412, 413)
            case.validate_response(answer, checks=lenient if of_machines or refused else wanted)

        send()
    app.extensions["hubs"].database.dispose()
    app.extensions["hubs"].fragments.cache.close()
    assert {200, 400, 404} <= set(asked) if who else {200, 401} <= set(asked)
    assert 200 in filled if who else set(filled) == {401}
