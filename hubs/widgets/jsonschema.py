"""A widget's settings as a JSON schema (draft 2020-12), from the same declaration as its form."""

from collections.abc import Sequence
from typing import Any

from hubs.parameters.kinds import ADDRESS, KINDS, MARKDOWN, ROWS, TEXT
from hubs.widgets.parameters import Parameter

_LENGTHS = {"markdown": MARKDOWN, "url": ADDRESS, "secret": ADDRESS}


def settings_schema(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return the JSON schema of the settings of a widget with these parameters."""
    required = [parameter.name for parameter in parameters if parameter.required and parameter.kind != "secret"]
    return {
        "type": "object",
        "properties": {parameter.name: _property(parameter) for parameter in parameters},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    description = " ".join(part for part in (parameter.help, KINDS[parameter.kind].summary.capitalize() + ".") if part)
    schema = {"title": parameter.label, "description": description, **_type(parameter)}
    if parameter.default not in (None, "", []):
        schema["default"] = parameter.default
    return schema


def _type(parameter: Parameter) -> dict[str, Any]:
    choices = [value for value, _label in parameter.choices]
    if parameter.kind == "number":
        return {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum}
    if parameter.kind == "switch":
        return {"type": "boolean"}
    if parameter.kind == "choice":
        return {"type": "string", "enum": choices}
    if parameter.kind == "many":
        return {"type": "array", "items": {"type": "string", "enum": choices}}
    if parameter.kind == "rows":
        return {"type": "array", "maxItems": ROWS, "items": settings_schema(parameter.fields)}
    text = {"type": "string", "maxLength": _LENGTHS.get(parameter.kind, TEXT)}
    if parameter.kind == "secret":
        return {**text, "type": ["string", "null"], "writeOnly": True}
    return {**text, "format": "uri"} if parameter.kind == "url" else text
