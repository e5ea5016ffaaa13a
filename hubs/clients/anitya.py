"""Release monitoring (Anitya): the newest upstream versions of projects.

API: https://release-monitoring.org/static/docs/api.html, ``/api/v2/projects/?name=…``, which ignores case. Response::

    {"items": [{"id": 1, "name": "lantern", "ecosystem": "pypi", "homepage": "https://…", "backend": "PyPI",
                "version": "2.1rc1", "versions": ["2.1rc1", "2.0"], "stable_versions": ["2.0"],
                "created_on": 1412174943.0, "updated_on": 1482495004.0, "regex": null, "version_url": null}],
     "items_per_page": 25, "page": 1, "total_items": 1}

``version`` is null until the first one is found. Several projects may have the same name, in different ecosystems.
Older servers leave out ``stable_versions``.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text

#: Projects with the same name that are read.
SAME = 25


@dataclass(frozen=True)
class Release:
    """A project with its newest stable version, else its newest one; ``pending`` is a newer one that is not stable."""

    project: str
    ecosystem: str
    version: str
    pending: str
    url: str
    updated: datetime | None


class _Project(Shape):
    id: int
    name: Text
    ecosystem: Text = ""
    homepage: Link = ""
    version: Text = ""
    stable_versions: Parts[Text] = Field(default_factory=list)
    updated_on: Moment | None = None


class _Page(Shape):
    items: Records[_Project]


class Anitya:
    """A client of release monitoring."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Release monitoring", base)

    def releases(self, name: str) -> list[Release]:
        """Return the projects with a name, which is often none or one.

        :raises UpstreamError: when there is no usable response.
        """
        url = self._service.url("api", "v2", "projects", "", name=name, items_per_page=SAME)
        page: _Page = self._http.get(url, self._service, limit=LARGE).read_as(_Page)
        return [self._release(project) for project in page.items]

    def _release(self, project: _Project) -> Release:
        version = project.stable_versions[0] if project.stable_versions else project.version
        return Release(
            project=project.name,
            ecosystem="" if project.ecosystem.startswith("http") else project.ecosystem,
            version=version,
            pending=project.version if project.version != version else "",
            url=self._service.url("project", project.id, ""),
            updated=project.updated_on,
        )
