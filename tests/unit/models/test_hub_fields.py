"""Hub fields are declared once, and everything else is derived from the declaration."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import String

from hubs.models import Hub
from hubs.models.hub_fields import HUB_FIELDS, HubField
from tests.field_documentation import document

ROOT = Path(__file__).parents[3]


def test_a_declared_field_is_in_action_form_document_api_and_documentation() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.probes.declared_field", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/unit/views/declared_field.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_the_documentation_lists_all_fields() -> None:
    table = document(HUB_FIELDS)
    assert table in (ROOT / "docs" / "hubs.md").read_text(), f"docs/hubs.md must contain:\n{table}"


@pytest.mark.parametrize("field", [field for field in HUB_FIELDS if field.stored_in == "column"], ids=lambda f: f.name)
def test_a_column_holds_what_its_field_accepts(field: HubField) -> None:
    column = Hub.__table__.c[field.name]
    if isinstance(column.type, String) and column.type.length is not None and field.kind == "text":
        assert field.max_length <= column.type.length
    assert field.get(Hub()) == field.clean(field.default)
