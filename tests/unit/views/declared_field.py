"""What must be true of a newly declared hub field; `tests.unit.models.test_hub_fields` runs this with one."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from hubs.actions import hubs
from hubs.actions.layout import apply, documents, yaml_files
from hubs.errors import InvalidInput
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, hub_fields
from hubs.widgets.registry import Registry
from tests.field_documentation import document
from tests.probes.declared_field import FIELD
from tests.unit.conftest import as_person
from tests.unit.views.conftest import post, sign_in
from tests.unit.widgets.test_built_in import build


def test_the_action_validates_it(session: Session, team: Hub) -> None:
    owner = as_person(session, "owner")
    assert hubs.update(session, owner, team, {FIELD.name: " otters "}) == [FIELD.name]
    assert FIELD.get(team) == "otters"
    with pytest.raises(InvalidInput) as error:
        hubs.update(session, owner, team, {FIELD.name: "x" * 41})
    assert "at most 40" in error.value.fields[FIELD.name]


def test_the_form_shows_and_saves_it(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    page = client.get("/t/otters/settings").get_data(as_text=True)
    assert "Matrix room" in page
    assert "Where the team talks." in page
    assert post(client, "/t/otters/settings", visibility="public", matrix_room="otters").status_code == 303
    wrong = post(client, "/t/otters/settings", visibility="public", matrix_room="x" * 41)
    assert "at most 40" in wrong.get_data(as_text=True)
    session.refresh(otters)
    assert FIELD.get(otters) == "otters"


def test_the_yaml_document_holds_it(session: Session, registry: Registry, team: Hub) -> None:
    document = yaml_files.parse("hub: otters\naccounts:\n  matrix_room: otters\n", "otters.yaml")
    apply.apply(session, registry, as_person(session, "owner"), team, document)
    assert FIELD.get(team) == "otters"
    assert "matrix_room: otters" in yaml_files.write(documents.describe(team, registry))


def test_the_api_reads_writes_and_describes_it(client: FlaskClient, session: Session, otters: Hub) -> None:
    schemas = client.get("/api/v1/openapi.json").json["components"]["schemas"]
    described = schemas["HubChanges"]["properties"]["matrix_room"]
    assert described == {
        "type": "string",
        "maxLength": 40,
        "description": "Matrix room. Where the team talks.",
    }
    hubs.update(session, as_person(session, "owner"), otters, {FIELD.name: "otters"})
    session.commit()
    sign_in(client, "owner")
    assert client.get("/api/v1/hubs/t/otters").json["settings"]["matrix_room"] == "otters"


def test_the_documentation_lists_it() -> None:
    row = "| `matrix_room` | text, at most 40 |  | owners | page “General”, `accounts` in YAML, API | Matrix room. "
    assert row in document(hub_fields.HUB_FIELDS)


def test_the_contact_widget_shows_it(session: Session, fragments: FragmentStore, team: Hub) -> None:
    team.extras[FIELD.name] = "otters"
    html = build(session, fragments, team, "contact")
    assert "Matrix" in html
    assert "https://matrix.to/otters" in html
