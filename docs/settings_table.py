"""Writes the table of settings into ``settings.md``, from their declarations: ``make settings``."""

import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from hubs.settings import PREFIX, Settings

PAGE = Path(__file__).parent / "settings.md"
#: What stands above and below the table on the page.
START, END = "<!-- The table is written by `make settings`. -->\n", "<!-- End of the table. -->\n"
_BOUNDS = {Ge: ("at least {}", "ge"), Gt: ("more than {}", "gt"), Le: ("at most {}", "le"), Lt: ("less than {}", "lt")}


def table() -> str:
    """Return the table, with a line for each setting."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field.get_default())} | {field.description}{_limits(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | what |", "|---|---|---|", *rows]) + "\n"


def updated(page: str) -> str:
    """Return the page with the current table.

    :raises ValueError: when the page has no place for it.
    """
    head, old = page.split(START)
    _, rest = old.split(END)
    return f"{head}{START}{table()}{END}{rest}"


def _default(value: Any) -> str:
    """Return a default as it would be written into the environment."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return f"`{int(value)}`"
    if isinstance(value, list):
        value = ",".join(value)
    return f"`{value}`" if str(value) else ""


def _limits(field: FieldInfo) -> str:
    """Return the values or bounds that a setting accepts, in parentheses after its sentence."""
    words = [_BOUNDS[type(rule)][0].format(_bound(rule)) for rule in field.metadata if type(rule) in _BOUNDS]
    if get_origin(field.annotation) is Literal:
        choices = [value for value in get_args(field.annotation) if value not in str(field.description)]
        words += [f"`{value}`" for value in choices]
    return f" ({', '.join(words)})" if words else ""


def _bound(rule: Any) -> str:
    bound = getattr(rule, _BOUNDS[type(rule)][1])
    return str(int(bound) if bound == int(bound) else bound)


if __name__ == "__main__":
    current = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(updated(current), encoding="utf-8")
    sys.stdout.write("docs/settings.md is written.\n")
