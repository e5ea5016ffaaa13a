"""The documentation of hub fields: the table in docs/hubs.md, as the declarations have it."""

from collections.abc import Sequence

from hubs.models.hub_fields import HubField
from hubs.parameters.declaration import kind_text


def document(fields: Sequence[HubField]) -> str:
    """Return the documentation of fields: a Markdown table."""
    lines = ["| field | kind | default | changed by | where | what |", "|---|---|---|---|---|---|"]
    for field in fields:
        default = "" if field.default in ("", None) else f"`{field.default}`"
        by = {"edit": "owners", "own": "owners", "operate": "operators"}[field.permission]
        lines.append(f"| `{field.name}` | {_kind(field)} | {default} | {by} | {_places(field)} | {_what(field)} |")
    return "\n".join(lines) + "\n"


def _kind(field: HubField) -> str:
    return f"{field.kind}, at most {field.max_length}" if field.kind == "text" else kind_text(field)


def _places(field: HubField) -> str:
    account = "`accounts` in YAML" if field.stored_in == "extras" else "YAML"
    places = [f"page “{field.page.capitalize()}”" if field.page else "", account, "API" if field.in_api else ""]
    return ", ".join(place for place in places if place)


def _what(field: HubField) -> str:
    return f"{field.label}. {field.help}".strip()
