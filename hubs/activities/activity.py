"""An activity: who did what with which thing, as far as a message tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Longest text that is kept of each field.
_LENGTHS = {"verb": 64, "actor": 120, "target": 120, "detail": 200, "project": 200}
_THING_LENGTHS = {"kind": 32, "title": 240, "number": 80, "link": 1024}


@dataclass(frozen=True, slots=True)
class Thing:
    """What something was done with: an issue, an update, a page."""

    kind: str = ""
    title: str = ""
    #: How people refer to it, with its sign: ``#12``, ``FEDORA-2026-1a2b3c``.
    number: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity.

    People are written as the message has them: names of accounts, chat nicks, e-mail addresses, or logins at a forge
    with its name before them (``github:kofi-gh``). The extractor finds out which of them are accounts.
    """

    #: Names the sentence; see `hubs.activities.sentences`.
    verb: str
    actor: str = ""
    thing: Thing = field(default_factory=Thing)
    #: What the thing belongs to: a repository, a product.
    project: str = ""
    #: To whom it was done.
    target: str = ""
    #: What else the sentence says: a state, a version, a group.
    detail: str = ""
    people: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    #: Projects, accounts and calendars that it concerns, as `hubs.widgets.caching.Interest` names them.
    subjects: frozenset[tuple[str, str]] = frozenset()

    def as_row(self) -> dict[str, Any]:
        """Return what is stored with a message: enough for its sentence."""
        row: dict[str, Any] = {name: getattr(self, name)[:length] for name, length in _LENGTHS.items()}
        row["thing"] = {name: getattr(self.thing, name)[:length] for name, length in _THING_LENGTHS.items()}
        row["thing"] = {name: value for name, value in row["thing"].items() if value}
        return {name: value for name, value in row.items() if value}

    @classmethod
    def from_row(cls, row: object) -> "Activity | None":
        """Return what was stored, or None where it is not readable."""
        if not isinstance(row, Mapping) or not isinstance(row.get("verb"), str):
            return None
        thing = row.get("thing")
        thing = thing if isinstance(thing, Mapping) else {}
        texts = {name: row[name] for name in _LENGTHS if isinstance(row.get(name), str)}
        return cls(
            thing=Thing(**{name: thing[name] for name in _THING_LENGTHS if isinstance(thing.get(name), str)}), **texts
        )


def names(*values: str | Iterable[str]) -> frozenset[str]:
    """Return the names that are not empty, of texts and lists of texts."""
    flat = [name for value in values for name in ([value] if isinstance(value, str) else value)]
    return frozenset(filter(None, flat))
