"""JSON documents from addresses that people typed, and parts of them by a simple path.

Format: https://www.rfc-editor.org/rfc/rfc8259. A path is names and numbers separated by dots: ``items.0.owner.name``;
the empty path is the whole document. A name that contains dots is found as well: the longest name that fits is taken.
"""

from collections.abc import Mapping
from typing import Any

from hubs.clients.http.client import HTTP
from hubs.clients.http.response import tidy
from hubs.parameters.addresses import TypedAddress

#: Largest document in bytes; steps of a path.
LIMIT, STEPS = 1_000_000, 20


class Documents:
    """Reads JSON documents."""

    def __init__(self, http: HTTP) -> None:
        self._http = http

    def read(self, url: TypedAddress) -> Any:
        """Return the document at an address.

        :raises UpstreamForbidden: when the address leads to no public web server.
        :raises UpstreamError: when there is no JSON document.
        """
        return self._http.get(url, limit=LIMIT).json()


def pick(document: Any, path: str) -> Any:
    """Return the part of a document at a path, or None."""
    part, steps = document, [step for step in path.split(".") if step][:STEPS]
    while steps:
        taken = 1
        if isinstance(part, Mapping):
            lengths = (length for length in range(len(steps), 0, -1) if ".".join(steps[:length]) in part)
            taken = next(lengths, 1)
            part = part.get(".".join(steps[:taken]))
        elif isinstance(part, list) and steps[0].isascii() and steps[0].isdigit() and int(steps[0][:9]) < len(part):
            part = part[int(steps[0][:9])]
        else:
            return None
        steps = steps[taken:]
    return part


def shown(value: Any) -> str:
    """Return a part of a document as text: empty for null, the number of entries for nested lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, list):
        plain = [entry for entry in value[:10] if isinstance(entry, str | int | float)]
        return tidy(", ".join(map(str, plain)), 300) if plain and len(plain) == len(value) else f"[{len(value)}]"
    if isinstance(value, Mapping):
        return f"{{{len(value)}}}"
    return tidy(value, 300)
