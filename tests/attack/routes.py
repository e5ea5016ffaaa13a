"""Every address of the application, from its own URL map, filled in for an object."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from hubs.app import create_app
from hubs.settings import load

#: A variable part: whether it is a number, its alternatives, and its name.
_PLACE = re.compile(r"<(?:(int)(?:\([^)]*\))?:|any\(([^)]*)\):|[^:<>]*:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One rule of the URL map with one method."""

    method: str
    rule: str

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of its variable parts that take any text."""
        return tuple(match[3] for match in _PLACE.finditer(self.rule) if not match[1] and match[2] is None)

    @property
    def subject(self) -> str:
        """What the address is about: ``hub``, ``widget``, or nothing that can be hidden."""
        if "<any(u, t):space>/<name>" in self.rule:
            return "hub"
        return "widget" if self.rule.startswith(("/w/<int", "/api/v1/widgets/<int")) else ""

    def path(self, widget: str = "1", **values: str) -> str:
        """Return the address of a widget, or with these values; other parts get a value that leads nowhere."""
        numbers = iter([widget] if self.subject == "widget" else [])

        def fill(match: re.Match[str]) -> str:
            if match[2] is not None:
                return values.get(match[3]) or match[2].split(",")[0].strip()
            return values.get(match[3]) or (next(numbers, "1") if match[1] else "nothing")

        return _PLACE.sub(fill, self.rule)


@cache
def routes() -> tuple[Route, ...]:
    """Return all routes; the application is assembled only to read its URL map."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(load({"HUBS_DATA_DIR": folder, "HUBS_REDIS_URL": "redis://127.0.0.1:1/0"}))
    return tuple(sorted(_routes(app.url_map), key=lambda route: (route.rule, route.method)))


def _routes(url_map: object) -> Iterator[Route]:
    for rule in url_map.iter_rules():  # type: ignore[attr-defined]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(method, rule.rule)
