"""Reading fields of messages, which may hold anything, or be absent."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

#: How far into a list is read.
ITEMS = 200
#: What publishers write where they know nothing.
_NOTHING = frozenset(("none", "null", "undefined"))
#: Fields in which an object holds the name of a person.
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
    """Return the text or number at ``path`` on one line; nothing where there is none, or where it says ``None``."""
    value = get(value, *path) if path else value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    line = " ".join(value.split())
    return "" if line.lower() in _NOTHING else line


def first(*values: str) -> str:
    """Return the first that is not empty."""
    return next(filter(None, values), "")


def items(value: Any, *path: str) -> list[Any]:
    """Return the list at ``path``, or the keys of an object there, as far as `ITEMS`."""
    value = get(value, *path) if path else value
    if isinstance(value, list | Mapping):
        return list(islice(value, ITEMS))
    return []


def person(value: Any, *path: str) -> str:
    """Return the name of the person at ``path``: a text, or an object that holds it."""
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
    """Return the first that is an address of the web."""
    return first(*(value for value in values if isinstance(value, str) and value.startswith(("https://", "http://"))))


def count(value: Any) -> int:
    """Return a number, 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def nvr_name(nvr: str) -> str:
    """Return the name of a package in name-version-release."""
    return nvr.rsplit("-", 2)[0] if nvr.count("-") >= 2 else ""
