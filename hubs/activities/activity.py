"""An activity: actor, verb and object of a message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Longest text of each field in characters; the rest is cut.
_LENGTHS = {"verb": 64, "actor": 120, "target": 120, "detail": 200, "project": 200}
_THING_LENGTHS = {"kind": 32, "title": 240, "number": 80, "link": 1024}


@dataclass(frozen=True, slots=True)
class Thing:
    """The object of an activity: an issue, an update, a page."""

    kind: str = ""
    title: str = ""
    #: Its identifier as people write it: ``#12``, ``FEDORA-2026-1a2b3c``.
    number: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity.

    People are named as in the message: accounts, chat nicks, e-mail addresses, or logins at a forge with its prefix
    (``github:kofi-gh``). The extractor resolves them to accounts.
    """

    #: Selects the sentence; see `hubs.activities.sentences`.
    verb: str
    actor: str = ""
    thing: Thing = field(default_factory=Thing)
    #: The project of the thing: a repository, a product.
    project: str = ""
    #: The person affected.
    target: str = ""
    #: An addition to the sentence: a state, a version, a group.
    detail: str = ""
    people: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    #: Projects, accounts and calendars concerned, named as in `hubs.widgets.caching.Interest`.
    subjects: frozenset[tuple[str, str]] = frozenset()

    def as_row(self) -> dict[str, Any]:
        """Return the fields to store with a message: those that its sentence needs."""
        row: dict[str, Any] = {name: getattr(self, name)[:length] for name, length in _LENGTHS.items()}
        row["thing"] = {name: getattr(self.thing, name)[:length] for name, length in _THING_LENGTHS.items()}
        row["thing"] = {name: value for name, value in row["thing"].items() if value}
        return {name: value for name, value in row.items() if value}

    @classmethod
    def from_row(cls, row: object) -> "Activity | None":
        """Return a stored activity, or None if it is not readable."""
        if not isinstance(row, Mapping) or not isinstance(row.get("verb"), str):
            return None
        thing = row.get("thing")
        thing = thing if isinstance(thing, Mapping) else {}
        texts = {name: row[name] for name in _LENGTHS if isinstance(row.get(name), str)}
        return cls(
            thing=Thing(**{name: thing[name] for name in _THING_LENGTHS if isinstance(thing.get(name), str)}), **texts
        )


def names(*values: str | Iterable[str]) -> frozenset[str]:
    """Return the non-empty names in texts and lists of texts."""
    flat = [name for value in values for name in ([value] if isinstance(value, str) else value)]
    return frozenset(filter(None, flat))
