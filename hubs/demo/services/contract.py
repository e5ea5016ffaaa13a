"""The answers of upstream services in their published formats: ``contracts/<service>/<name>.json``.

Each folder says in a README from which code or documentation its formats are taken, and in which version.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "contracts"


def answer(service: str, name: str) -> Any:
    """Return a new copy of an answer."""
    return json.loads(_text(service, name))


def record(service: str, name: str, /, **fields: Any) -> dict[str, Any]:
    """Return the first record of an answer with other ``fields``.

    :raises KeyError: for a field that the service does not send.
    """
    body = answer(service, name)
    first: dict[str, Any] = (body if isinstance(body, list) else next(_lists(body)))[0]
    if unknown := fields.keys() - first.keys():
        raise KeyError(f"{service}/{name} has no field {', '.join(sorted(unknown))}")
    return {**first, **fields}


def lists(body: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of records in an answer, by their names."""
    return {
        name: value
        for name, value in body.items()
        if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value)
    }


def _lists(body: dict[str, Any]) -> Iterator[list[Any]]:
    for name, value in body.items():
        if name in lists(body):
            yield value
        elif isinstance(value, dict):
            yield from _lists(value)


@cache
def _text(service: str, name: str) -> str:
    return (FOLDER / service / f"{name}.json").read_text(encoding="utf-8")
