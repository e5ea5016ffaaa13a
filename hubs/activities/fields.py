"""Access to fields of messages, which may be missing or of any type."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

#: Most items of a list that are read.
ITEMS = 200
#: Texts that publishers write for missing values.
_NOTHING = frozenset(("none", "null", "undefined"))
#: Fields of an object that may hold the name of a person.
_NAMES = ("username", "login", "name", "nick", "nickname", "fas_name")

Body = Mapping[str, Any]


def get(value: Any, *path: str) -> Any:
    """Return what is at ``path`` in nested objects, or None."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def text(value: Any, *path: str) -> str:
    """Return the text or number at ``path`` as one line; empty if it is missing or says ``None``."""
    value = get(value, *path) if path else value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    line = " ".join(value.split())
    return "" if line.lower() in _NOTHING else line


def first(*values: str) -> str:
    """Return the first non-empty text."""
    return next(filter(None, values), "")


def items(value: Any, *path: str) -> list[Any]:
    """Return the first `ITEMS` items of the list, or keys of the object, at ``path``."""
    value = get(value, *path) if path else value
    if isinstance(value, list | Mapping):
        return list(islice(value, ITEMS))
    return []


def person(value: Any, *path: str) -> str:
    """Return the name of the person at ``path``, which is a text or an object."""
    value = get(value, *path) if path else value
    if isinstance(value, Mapping):
        return first(*(text(value, name) for name in _NAMES))
    return "" if isinstance(value, int) else text(value)


def people(value: Any, *path: str) -> Iterator[str]:
    """Yield the names of the people in the list at ``path``."""
    for item in items(value, *path):
        if name := person(item):
            yield name


def address(*values: Any) -> str:
    """Return the first web address."""
    return first(*(value for value in values if isinstance(value, str) and value.startswith(("https://", "http://"))))


def count(value: Any) -> int:
    """Return an integer, or 0 if the value is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def nvr_name(nvr: str) -> str:
    """Return the package name in a name-version-release."""
    return nvr.rsplit("-", 2)[0] if nvr.count("-") >= 2 else ""
