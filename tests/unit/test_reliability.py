"""The timeouts in ``docs/reliability.md`` are those of the code."""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from hubs.models import database
from hubs.settings import Settings
from tests.conftest import CONNECT_TIMEOUT

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| (`[^|]+?) \| ([\d.]+) (m?s) \|", re.MULTILINE)
ROWS = _ROW.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))


def actual(name: str) -> float:
    """Return the value of a constant, a field, a setting's default, or a constant in a script; in its own unit."""
    if script := re.fullmatch(r"`(\w+)` in `([\w/.]+)`", name):
        declaration = re.search(rf"^const {script[1]} = (\d+);", (ROOT / script[2]).read_text(), re.MULTILINE)
        assert declaration is not None, name
        return float(declaration[1])
    path, *key = re.findall(r"`([^`]+)`", name)
    if path.startswith("HUBS_"):
        return float(Settings.model_fields[path.removeprefix("HUBS_").lower()].default)
    value = resolve(path)
    if key:
        value = value[key[0]]
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def resolve(path: str) -> Any:
    """Return the object at a dotted path."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            value: Any = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            value = getattr(value, part)
        return value
    raise AssertionError(f"{path} does not exist")


@pytest.mark.parametrize(("name", "value", "unit"), ROWS, ids=[row[0].strip("`") for row in ROWS])
def test_a_documented_timeout_is_that_of_the_code(
    name: str, value: str, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", CONNECT_TIMEOUT)
    assert actual(name) == float(value), f"{name} in {unit}"


def test_the_table_covers_every_dependency() -> None:
    assert len(ROWS) > 30
    names = " ".join(name for name, _, _ in ROWS)
    for part in (
        "models.database",
        "cache",
        "events.connection",
        "history",
        "amqp",
        "clients.http",
        "oidc",
        "static/js",
    ):
        assert part in names
