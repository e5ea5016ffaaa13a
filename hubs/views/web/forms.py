"""Forms generated from typed parameters: what the browser sent, as values for `hubs.parameters.declaration.clean`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from hubs.i18n import N_
from hubs.models import Visibility
from hubs.parameters.kinds import ROWS, is_blank
from hubs.widgets.parameters import Parameter

#: Every widget has this setting, beside those of its kind.
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
#: Empty rows that a form offers beyond those that are filled in.
SPARE = 2
#: What the name of the box that clears a secret ends with.
CLEAR = "-clear"


@dataclass
class Form:
    """What a form template shows: parameters, what is filled in, and the sentence beside each field.

    ``stored`` are the names of the secrets that there are already: their values are never shown.
    """

    parameters: Sequence[Parameter]
    values: Mapping[str, Any]
    wrong: Mapping[str, str] = field(default_factory=dict)
    stored: Collection[str] = ()

    def value(self, parameter: Parameter) -> Any:
        """Return what is filled in."""
        found = self.values.get(parameter.name, parameter.default)
        return "" if found is None or parameter.kind == "secret" else found

    def rows(self, parameter: Parameter) -> list[Mapping[str, Any]]:
        """Return the rows that are filled in, and some empty ones."""
        found = [row for row in self.value(parameter) or [] if isinstance(row, Mapping)]
        return [*found, *({} for _ in range(SPARE))]

    def inner(self, parameter: Parameter, row: Mapping[str, Any]) -> Any:
        """Return what is filled in at one place of a row."""
        found = row.get(parameter.name)
        found = parameter.default if found is None else found
        return "" if found is None else found


def read(parameters: Sequence[Parameter], sent: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that a browser sent; a switch that is off is not sent at all."""
    return {parameter.name: _value(parameter, sent) for parameter in parameters}


def _value(parameter: Parameter, sent: Mapping[str, str]) -> Any:
    if parameter.kind == "switch":
        return parameter.name in sent
    if parameter.kind == "rows":
        return _rows(parameter, sent)
    if parameter.kind == "many":
        return MultiDict(sent).getlist(parameter.name)
    typed = sent.get(parameter.name, "")
    if parameter.kind == "secret" and not typed and parameter.name + CLEAR in sent:
        return None
    return typed


def _rows(parameter: Parameter, sent: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the rows of fields named ``items-0-title``, in the order of their numbers, empty ones left out."""
    pattern = re.compile(rf"{re.escape(parameter.name)}-(\d{{1,6}})-(\w+)")
    known = {inner.name for inner in parameter.fields}
    rows: dict[int, dict[str, str]] = {}
    for name, value in sent.items():
        found = pattern.fullmatch(name)
        if found and found[2] in known:
            rows.setdefault(int(found[1]), {})[found[2]] = value
    filled = [rows[number] for number in sorted(rows) if not is_blank(parameter, rows[number])]
    return filled[: ROWS + 1]  # one too many, so that the check can say so
