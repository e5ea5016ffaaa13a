"""Kinds of parameters: how a value of each kind is checked, and which value means empty.

A check returns the value to store, or raises `InvalidInput` with a message for the person who typed it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.parameters import projects
from hubs.parameters.tables import CELLS, cells

#: Longest values in characters, and most rows of a list.
TEXT, MARKDOWN, ADDRESS, ROWS = 500, 20_000, 1000, 100
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_WEBCAL = re.compile(r"^webcals?://", re.IGNORECASE)
_HUB = re.compile(r"(?:(?:https?://[^/?#\s]+)?/?([ut])/)?([A-Za-z0-9][A-Za-z0-9._@+-]{0,63})/?")


class Declared(Protocol):
    """The part of a parameter's declaration that checks need."""

    @property
    def label(self) -> str:
        """The name on the screen."""

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """(value, label) pairs of a ``choice`` or ``many``."""

    @property
    def fields(self) -> Sequence[Any]:
        """The parameters of one row."""

    @property
    def minimum(self) -> int:
        """The least number."""

    @property
    def maximum(self) -> int:
        """The largest number."""


@dataclass(frozen=True)
class Kind:
    """One kind of parameter: the check, the value that means empty, and a description for people.

    ``defaulted`` kinds cannot be empty: a missing value is stored as the parameter's default.
    """

    clean: Callable[[Any, Any], Any]
    empty: Any
    summary: str
    defaulted: bool = False


def _text(parameter: Declared, value: Any, limit: int = TEXT) -> str:
    if not isinstance(value, str):
        raise InvalidInput(_("This must be a text."))
    text = value.replace("\r\n", "\n").strip()
    if len(text) > limit:
        raise InvalidInput(
            _("This is %(length)d characters long; at most %(limit)d are possible.")
            % {"length": len(text), "limit": limit}
        )
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise InvalidInput(_("This contains control characters; please remove them."))
    return text


def _markdown(parameter: Declared, value: Any) -> str:
    text = _text(parameter, value, MARKDOWN)
    if (number := cells(text)) > CELLS:
        raise InvalidInput(
            _("The tables in this text have %(number)d cells; at most %(limit)d are possible.")
            % {"number": number, "limit": CELLS}
        )
    return text


def _choice(parameter: Declared, value: Any) -> str:
    if value not in [choice for choice, _label in parameter.choices]:
        raise InvalidInput(_("Please choose one of: %(labels)s.") % {"labels": _labels(parameter)})
    return str(value)


def _many(parameter: Declared, value: Any) -> list[str]:
    known = [choice for choice, _label in parameter.choices]
    if not isinstance(value, list) or any(choice not in known for choice in value):
        raise InvalidInput(_("Please choose among: %(labels)s.") % {"labels": _labels(parameter)})
    return [choice for choice in known if choice in value]


def _labels(parameter: Declared) -> str:
    return ", ".join(_(label) for _value, label in parameter.choices)


def _number(parameter: Declared, value: Any) -> int:
    try:
        number = int(value) if not isinstance(value, bool | float) else None
    except (ValueError, TypeError):
        number = None
    if number is None or not parameter.minimum <= number <= parameter.maximum:
        raise InvalidInput(
            _("Please write a whole number from %(least)d to %(most)d.")
            % {"least": parameter.minimum, "most": parameter.maximum}
        )
    return number


def _switch(parameter: Declared, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("on", "true", "yes", "1", "y", "off", "false", "no", "0", "n"):
        raise InvalidInput(_("This is either on or off."))
    return text in ("on", "true", "yes", "1", "y")


def _url(parameter: Declared, value: Any) -> str:
    # Sites offer calendars to subscribe to as webcal://, which means https://.
    value = _WEBCAL.sub("https://", _text(parameter, value, ADDRESS))
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in value)
    except ValueError:
        good = False
    if not good:
        raise InvalidInput(_("Please write a full address that starts with https:// or http://."))
    return str(value)


def _username(parameter: Declared, value: Any) -> str:
    name = _text(parameter, value)
    if not _USERNAME.fullmatch(name):
        raise InvalidInput(_("A username has letters, digits and . _ - only, at most 64."))
    return name


def _package(parameter: Declared, value: Any) -> str:
    name = _text(parameter, value)
    if not _PACKAGE.fullmatch(name):
        raise InvalidInput(_("A package's name has letters, digits and . _ + - only, at most 128."))
    return name


def _hub(parameter: Declared, value: Any) -> str:
    """Return ``t/docs`` or ``u/somebody``; full addresses and bare names of teams are accepted, too."""
    match = _HUB.fullmatch(_text(parameter, value))
    if not match:
        raise InvalidInput(_("Please write a hub as t/docs for a team, or u/somebody for a person."))
    return f"{match[1] or 't'}/{match[2]}"


def _project(parameter: Declared, value: Any) -> str:
    return projects.short(_text(parameter, value))


def _secret(parameter: Declared, value: Any) -> str:
    return _text(parameter, value, ADDRESS)


def _rows(parameter: Declared, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise InvalidInput(_("This must be a list of rows."))
    rows = [row for row in value if not is_blank(parameter, row)]
    if len(rows) > ROWS:
        raise InvalidInput(_("At most %(limit)d rows are possible.") % {"limit": ROWS})
    return [_row(parameter, number, row) for number, row in enumerate(rows, 1)]


def is_blank(parameter: Declared, row: Mapping[str, Any]) -> bool:
    """Return whether a row is empty; choices and switches do not count, since they always have a value."""
    significant = [inner.name for inner in parameter.fields if inner.kind not in ("choice", "switch")]
    names = significant or [inner.name for inner in parameter.fields]
    unknown = set(row) - {inner.name for inner in parameter.fields}
    return not unknown and not any(str(row.get(name) or "").strip() for name in names)


def _row(parameter: Declared, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(str(name) for name in set(row) - {inner.name for inner in parameter.fields})
    if unknown:
        raise InvalidInput(
            _("Row %(number)d has an unknown field: %(names)s.") % {"number": number, "names": ", ".join(unknown)[:100]}
        )
    cleaned = {}
    for inner in parameter.fields:
        try:
            cleaned[inner.name] = inner.clean(row.get(inner.name))
        except InvalidInput as error:
            raise InvalidInput(
                _("Row %(number)d, %(label)s: %(problem)s")
                % {"number": number, "label": _(inner.label), "problem": error}
            ) from None
    return cleaned


#: Every kind of parameter.
KINDS: dict[str, Kind] = {
    "text": Kind(_text, "", f"a text of at most {TEXT} characters"),
    "markdown": Kind(_markdown, "", f"Markdown, at most {MARKDOWN} characters"),
    "choice": Kind(_choice, "", "one of the choices", defaulted=True),
    "many": Kind(_many, [], "any of the choices"),
    "number": Kind(_number, None, "a whole number", defaulted=True),
    "switch": Kind(_switch, False, "on or off", defaulted=True),
    "url": Kind(_url, "", "an address that starts with https:// or http://"),
    "username": Kind(_username, "", "a username"),
    "hub": Kind(_hub, "", "a hub: t/docs or u/somebody"),
    "package": Kind(_package, "", "the name of a package"),
    "project": Kind(_project, "", "a project on a forge: github:owner/name, pagure:name, …"),
    "rows": Kind(_rows, [], f"a list of at most {ROWS} rows"),
    "secret": Kind(_secret, None, "a secret: written once, never shown again"),
}
