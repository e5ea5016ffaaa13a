"""Weblate: how far a project, or one component of it, is translated, by language, on any server.

API: https://docs.weblate.org/en/latest/api.html, ``/api/projects/<project>/languages/`` for a list of statistics and
``/api/components/<project>/<component>/statistics/?page=1`` for ``{"count": 34, "next": "https://…", "results": […]}``.
Each has ``{"code": "de", "name": "German", "total": 480, "translated": 412, "translated_percent": 85.8, "fuzzy": 12,
"fuzzy_percent": 2.5, "url": "https://…"}``; fuzzy strings need an edit. A component in a category is
``<category>/<component>``, quoted twice. What visitors may not see needs an API key: ``Authorization: Token …``.
"""

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Link, Response, Shape, Text
from hubs.clients.http.service import HostKey
from hubs.parameters.addresses import TypedAddress, below

#: Most pages of statistics that are read.
PAGES = 5
#: The address of a page about a project or a component; before it is the path of a site in a folder.
_PAGE = re.compile(r"((?:/[^/]+)*?)/(?:projects|engage)/([^/]+(?:/[^/]+)*)")
_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Translated:
    """What is translated: the address of the site, the project, and the path of a component in it or nothing."""

    site: str
    project: str
    component: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What messages about it name; they do not name the host."""
        return f"weblate:{'/'.join((self.project, *self.component[-1:]))}".lower()

    @property
    def page(self) -> str:
        """The address of its page for people."""
        return below(self.site, "projects", self.project, *self.component, "")


@dataclass(frozen=True)
class Language:
    """The translation into one language: strings in total, translated ones, and those that need an edit."""

    code: str
    name: str
    total: int
    translated: int
    fuzzy: int
    url: str

    @property
    def percent(self) -> int:
        """The translated part; 100 only if nothing is missing."""
        return self.translated * 100 // self.total if self.total else 100

    @property
    def fuzzy_percent(self) -> int:
        """The part that needs an edit."""
        return min(100 - self.percent, -(-self.fuzzy * 100 // self.total)) if self.total else 0


@dataclass(frozen=True)
class Progress:
    """Languages, the most complete first; ``page`` is the address of the project or component."""

    languages: tuple[Language, ...]
    page: str

    @property
    def percent(self) -> int:
        """The translated part of all strings of all languages."""
        total = sum(language.total for language in self.languages)
        return sum(language.translated for language in self.languages) * 100 // total if total else 100

    @property
    def complete(self) -> int:
        """The number of languages in which nothing is missing."""
        return sum(language.percent == 100 for language in self.languages)


class _Statistics(Shape):
    code: Text
    name: Text = ""
    total: _Count
    translated: _Count
    fuzzy: _Count = 0
    url: Link = ""

    def language(self) -> Language:
        done = min(self.translated, self.total)
        fuzzy = min(self.fuzzy, self.total - done)
        return Language(self.code, self.name or self.code, self.total, done, fuzzy, self.url)


class _Page(Shape):
    results: Records[_Statistics]
    next: Link = ""


def translated(address: str) -> Translated | None:
    """Return what the page at an address is about, or None if it is no page about a project or a component."""
    parts = urlsplit(address)
    match = _PAGE.fullmatch(parts.path.rstrip("/"))
    if match is None or not parts.netloc:
        return None
    # Behind a dash is a language: /projects/docs/-/de/
    path = match[2].partition("/-")[0]
    project, *component = (unquote(step) for step in path.split("/"))
    if {".", "..", "-"} & {project, *component, *match[1].split("/")}:
        return None
    return Translated(f"{parts.scheme}://{parts.netloc}{match[1]}", project, tuple(component))


class Weblate:
    """A client of Weblate servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._own = http, Service("Weblate", base.rstrip("/"))

    def progress(self, what: Translated, owner: str = "", key: HostKey | None = None) -> Progress:
        """Return the progress of a project or a component.

        ``owner`` names the hub whose people typed its address and entered ``key``.

        :raises UpstreamMissing: when there is none, or visitors may not see it.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        statistics = self._of_component(what, owner, key) if what.component else self._of_project(what, owner, key)
        languages = {entry.code: entry.language() for entry in statistics if entry.code}
        return Progress(tuple(sorted(languages.values(), key=_order)), what.page)

    def _of_project(self, what: Translated, owner: str, key: HostKey | None) -> list[_Statistics]:
        response = self._get(what, owner, key, "projects", what.project, "languages", "")
        return response.read_as(Records[_Statistics])  # type: ignore[no-any-return]

    def _of_component(self, what: Translated, owner: str, key: HostKey | None) -> list[_Statistics]:
        # Addresses are quoted when they are put together; a path within this step must be quoted before.
        component = quote("/".join(what.component), safe="") if len(what.component) > 1 else what.component[0]
        statistics: list[_Statistics] = []
        for number in range(1, PAGES + 1):
            parts = ("components", what.project, component, "statistics", "")
            page: _Page = self._get(what, owner, key, *parts, page=number).read_as(_Page)
            statistics += page.results
            if not page.next:
                break
        return statistics

    def _get(self, what: Translated, owner: str, key: HostKey | None, *parts: str, **query: int) -> Response:
        credential = key.sent_as("Authorization", "Token ") if key else None
        if what.site == self._own.base:
            return self._http.get(self._own.url("api", *parts, **query), self._own, limit=LARGE, credential=credential)
        # an address that a person typed may lead anywhere
        address = TypedAddress(what.site, owner).below("api", *parts, **query)
        return self._http.get(address, limit=LARGE, credential=credential)


def _order(language: Language) -> tuple[int, int, str]:
    return -language.percent, -language.translated, language.name
