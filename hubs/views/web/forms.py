"""Forms generated from typed parameters; parses form data into values for `hubs.parameters.declaration.clean`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from hubs.i18n import N_
from hubs.models import Visibility
from hubs.parameters.kinds import ROWS, is_blank
from hubs.widgets.parameters import Parameter

#: A setting of every widget, besides those of its type.
WIDGET_VISIBILITY = Parameter(
    "visibility",
    label=N_("Who can see this widget"),
    kind="choice",
    default=Visibility.PUBLIC.value,
    choices=[
        (Visibility.PUBLIC.value, N_("Everybody who can see this hub")),
        (Visibility.SIGNED_IN.value, N_("People who are signed in")),
        (Visibility.MEMBERS.value, N_("Members only")),
        (Visibility.OWNERS.value, N_("Owners only")),
    ],
)
#: Empty rows offered after the filled ones.
SPARE = 2
#: Suffix of the checkbox that clears a secret.
CLEAR_SUFFIX = "-clear"


@dataclass
class Form:
    """What a form template shows: parameters, their values, and the error message beside each field.

    ``stored`` names the secrets that have a value, which is never shown.
    """

    parameters: Sequence[Parameter]
    values: Mapping[str, Any]
    wrong: Mapping[str, str] = field(default_factory=dict)
    stored: Collection[str] = ()

    def value(self, parameter: Parameter) -> Any:
        """Return the value of a field."""
        value = self.values.get(parameter.name, parameter.default)
        return "" if value is None or parameter.kind == "secret" else value

    def rows(self, parameter: Parameter) -> list[Mapping[str, Any]]:
        """Return the filled rows, then some empty ones."""
        filled = [row for row in self.value(parameter) or [] if isinstance(row, Mapping)]
        return [*filled, *({} for _ in range(SPARE))]

    def inner(self, parameter: Parameter, row: Mapping[str, Any]) -> Any:
        """Return the value of one field of a row."""
        value = row.get(parameter.name)
        value = parameter.default if value is None else value
        return "" if value is None else value


def read(parameters: Sequence[Parameter], form: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of submitted form data."""
    return {parameter.name: _value(parameter, form) for parameter in parameters}


def _value(parameter: Parameter, form: Mapping[str, str]) -> Any:
    if parameter.kind == "switch":
        return parameter.name in form  # browsers omit unchecked boxes
    if parameter.kind == "rows":
        return _rows(parameter, form)
    if parameter.kind == "many":
        return MultiDict(form).getlist(parameter.name)
    typed = form.get(parameter.name, "")
    if parameter.kind == "secret" and not typed and parameter.name + CLEAR_SUFFIX in form:
        return None
    return typed


def _rows(parameter: Parameter, form: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the rows of fields named like ``items-0-title``, by number, without empty rows."""
    pattern = re.compile(rf"{re.escape(parameter.name)}-(\d{{1,6}})-(\w+)")
    known = {inner.name for inner in parameter.fields}
    rows: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        match = pattern.fullmatch(name)
        if match and match[2] in known:
            rows.setdefault(int(match[1]), {})[match[2]] = value
    filled = [rows[number] for number in sorted(rows) if not is_blank(parameter, rows[number])]
    return filled[: ROWS + 1]  # one row above the limit, so that validation reports it
