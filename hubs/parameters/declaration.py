"""Typed parameters: one declaration gives the form, the validation, the default and the documentation.

A secret is written and never read back: an absent or empty one keeps what is stored, None clears it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from hubs.errors import InvalidInput
from hubs.i18n import _
from hubs.parameters.kinds import KINDS


@dataclass(frozen=True)
class Parameter:
    """A setting of a widget, or a field of a hub.

    ``kind`` is one of `KINDS`. ``choices`` are (value, label) pairs of a ``choice`` or of ``many``. ``fields`` are the
    parameters of one row of ``rows``. ``minimum`` and ``maximum`` bound a ``number``. ``validator`` is an additional
    check by the widget's author: it receives the value, and returns the value to store or raises ``ValueError``.
    ``label``, ``help`` and the labels of choices are English; they are shown in the reader's language.
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
        if any(inner.kind in ("rows", "many", "secret", "markdown") for inner in self.fields):
            raise InvalidInput(f"A row of {self.name} holds no rows, many, secret or markdown.")
        if self.kind == "secret" and self.default is not None:
            raise InvalidInput(f"The secret {self.name} has no default: everybody could read it in the code.")
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " ").capitalize())

    def clean(self, value: Any) -> Any:
        """Return ``value`` in its stored form.

        :raises InvalidInput: with a message for the person who typed it.
        """
        kind = KINDS[self.kind]
        if value is None or value == "" or (value == [] and isinstance(kind.empty, list)):
            if self.required:
                raise InvalidInput(_("Please fill in this field."))
            return self.default if kind.defaulted else copy(kind.empty)
        value = kind.clean(self, value)
        if self.validator is None:
            return value
        try:
            return self.validator(value)
        except ValueError as error:
            raise InvalidInput(str(error) or _("This value is not accepted.")) from None


def declare(declared: Sequence[Parameter | Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Return the parameters of a widget, from `Parameter` objects or from the mappings of the published API."""
    return tuple(parameter if isinstance(parameter, Parameter) else _from_mapping(parameter) for parameter in declared)


def _from_mapping(mapping: Mapping[str, Any]) -> Parameter:
    fields = {name: value for name, value in mapping.items() if name in Parameter.__dataclass_fields__}
    # Unknown keys are ignored, so that widgets written for a newer version still load.
    return Parameter(**fields)


def defaults(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return every parameter's default, or None."""
    return {parameter.name: parameter.default for parameter in parameters}


def clean(
    parameters: Sequence[Parameter], values: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings to store for the values of a form or API request; absent values keep their default.

    Secrets are included only if they are changed or cleared (None). ``before`` are the settings stored now; a required
    secret that exists there may be left out.

    :raises InvalidInput: with one message per field that cannot be accepted.
    """
    unknown = sorted(set(values) - {parameter.name for parameter in parameters})
    wrong = dict.fromkeys(unknown, _("This widget has no such setting."))
    cleaned: dict[str, Any] = {}
    for parameter in parameters:
        try:
            if parameter.kind == "secret":
                cleaned.update(_secret(parameter, values, before or {}))
            else:
                cleaned[parameter.name] = parameter.clean(values.get(parameter.name, parameter.default))
        except InvalidInput as error:
            wrong[parameter.name] = str(error)
    if wrong:
        raise InvalidInput(_("Some fields need your attention."), wrong)
    return cleaned


def _secret(
    parameter: Parameter, values: Mapping[str, Any], before: Mapping[str, Any]
) -> Iterator[tuple[str, str | None]]:
    value = values.get(parameter.name, "")
    if value == "" and before.get(parameter.name):
        return
    cleaned = parameter.clean(value)
    if cleaned is not None or before.get(parameter.name):
        yield parameter.name, cleaned


def secrets(parameters: Sequence[Parameter]) -> frozenset[str]:
    """Return the names of the parameters that hold secrets."""
    return frozenset(parameter.name for parameter in parameters if parameter.kind == "secret")


def document(parameters: Sequence[Parameter]) -> str:
    """Return the documentation of parameters: a Markdown table."""
    if not parameters:
        return "It has no settings.\n"
    lines = ["| setting | kind | default | what |", "|---|---|---|---|"]
    lines += [
        f"| `{parameter.name}` | {kind_text(parameter)} | {_default(parameter)} | {_explanation(parameter)} |"
        for parameter in parameters
    ]
    return "\n".join(lines) + "\n"


def kind_text(parameter: Parameter) -> str:
    """Return the kind of a parameter with its choices or limits, in Markdown."""
    text = parameter.kind
    if parameter.choices:
        text += ": " + ", ".join(f"`{value}`" if value else "empty" for value, _label in parameter.choices)
    if parameter.fields:
        text += " of " + ", ".join(f"`{inner.name}` ({inner.kind})" for inner in parameter.fields)
    if parameter.kind == "number":
        text += f" from {parameter.minimum} to {parameter.maximum}"
    return text


def _default(parameter: Parameter) -> str:
    return "" if parameter.default in (None, "", []) else f"`{parameter.default}`"


def _explanation(parameter: Parameter) -> str:
    parts = [f"{parameter.label}.", "Must be given." if parameter.required else "", parameter.help]
    return " ".join(part for part in parts if part).replace("|", "\\|")
