"""Typed parameters of widgets: one declaration gives the form, the validation, the default and the documentation."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hubs.errors import InvalidInput

#: Longest text in characters.
TEXT, MARKDOWN, ROWS = 500, 20_000, 100
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$")


@dataclass(frozen=True)
class Parameter:
    """A setting of a widget.

    ``kind`` is one of `KINDS`. ``choices`` are (value, label) pairs of a ``choice``. ``fields`` are the parameters of
    one row of ``rows``. ``minimum`` and ``maximum`` bound a ``number``. ``validator`` is a further check by the
    widget's author: it gets the value, and returns what to store or raises ``ValueError``.
    """

    name: str
    label: str = ""
    default: Any = None
    help: str = ""
    kind: str = "text"
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    fields: Sequence["Parameter"] = ()
    minimum: int = 0
    maximum: int = 1_000_000
    validator: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"Parameter {self.name} has the kind {self.kind!r}; use one of {', '.join(KINDS)}.")
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " ").capitalize())

    def clean(self, value: Any) -> Any:
        """Return ``value`` as it is stored.

        :raises InvalidInput: with a sentence for the person who typed it.
        """
        if value is None or value in ("", []):
            if self.required:
                raise InvalidInput("Please fill in this field.")
            return self.default if self.kind in ("switch", "choice", "number") else KINDS[self.kind].empty
        value = KINDS[self.kind].clean(self, value)
        if self.validator is None:
            return value
        try:
            return self.validator(value)
        except ValueError as error:
            raise InvalidInput(str(error) or "This value is not accepted.") from None


@dataclass(frozen=True)
class Kind:
    """How values of one kind are checked, and what stands for none."""

    clean: Callable[[Parameter, Any], Any]
    empty: Any


def _text(parameter: Parameter, value: Any, limit: int = TEXT) -> str:
    if not isinstance(value, str):
        raise InvalidInput("This must be a text.")
    text = value.replace("\r\n", "\n").strip()
    if len(text) > limit:
        raise InvalidInput(f"This is {len(text)} characters long; at most {limit} are possible.")
    if any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise InvalidInput("This contains control characters; please remove them.")
    return text


def _markdown(parameter: Parameter, value: Any) -> str:
    return _text(parameter, value, MARKDOWN)


def _choice(parameter: Parameter, value: Any) -> str:
    if value not in [choice for choice, _ in parameter.choices]:
        raise InvalidInput(f"Please choose one of: {', '.join(label for _, label in parameter.choices)}.")
    return str(value)


def _number(parameter: Parameter, value: Any) -> int:
    try:
        number = int(value) if not isinstance(value, bool) else None
    except (ValueError, TypeError):
        number = None
    if number is None or not parameter.minimum <= number <= parameter.maximum:
        raise InvalidInput(f"Please write a whole number from {parameter.minimum} to {parameter.maximum}.")
    return number


def _switch(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("on", "true", "yes", "1", "y", "off", "false", "no", "0", "n"):
        raise InvalidInput("This is either on or off.")
    return text in ("on", "true", "yes", "1", "y")


def _url(parameter: Parameter, value: Any) -> str:
    value = _text(parameter, value, 1000)
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in value)
    except ValueError:
        good = False
    if not good:
        raise InvalidInput("Please write a full address that starts with https:// or http://.")
    return str(value)


def _username(parameter: Parameter, value: Any) -> str:
    name = _text(parameter, value)
    if not _NAME.match(name):
        raise InvalidInput("A username has letters, digits and . _ - only, at most 64.")
    return name


def _rows(parameter: Parameter, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise InvalidInput("This must be a list of rows.")
    rows = [row for row in value if any(str(item or "").strip() for item in row.values())]
    if len(rows) > ROWS:
        raise InvalidInput(f"At most {ROWS} rows are possible.")
    return [_row(parameter, number, row) for number, row in enumerate(rows, 1)]


def _row(parameter: Parameter, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {}
    for inner in parameter.fields:
        try:
            cleaned[inner.name] = inner.clean(row.get(inner.name))
        except InvalidInput as error:
            raise InvalidInput(f"Row {number}, {inner.label}: {error}") from None
    return cleaned


#: Every kind of parameter.
KINDS: dict[str, Kind] = {
    "text": Kind(_text, ""),
    "markdown": Kind(_markdown, ""),
    "choice": Kind(_choice, ""),
    "number": Kind(_number, None),
    "switch": Kind(_switch, False),
    "url": Kind(_url, ""),
    "username": Kind(_username, ""),
    "rows": Kind(_rows, []),
}


def declare(declared: Sequence[Parameter | Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Return the parameters of a widget, from `Parameter` objects or from the mappings of the published API."""
    return tuple(one if isinstance(one, Parameter) else _from_mapping(one) for one in declared)


def _from_mapping(one: Mapping[str, Any]) -> Parameter:
    known = {name: value for name, value in one.items() if name in Parameter.__dataclass_fields__}
    # Outside widgets may name their own validators, which are written to raise ValueError.
    return Parameter(**known)


def defaults(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return every parameter's default; None where it has none."""
    return {parameter.name: parameter.default for parameter in parameters}


def clean(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings to store from what a form or a program sent; absent values keep their default.

    :raises InvalidInput: with one sentence per field that cannot be accepted.
    """
    unknown = sorted(set(values) - {parameter.name for parameter in parameters})
    wrong = dict.fromkeys(unknown, "This widget has no such setting.")
    cleaned: dict[str, Any] = {}
    for parameter in parameters:
        try:
            cleaned[parameter.name] = parameter.clean(values.get(parameter.name, parameter.default))
        except InvalidInput as error:
            wrong[parameter.name] = str(error)
    if wrong:
        raise InvalidInput("Some fields need your attention.", wrong)
    return cleaned
