"""Copr: the builds of a person in their projects.

API: https://copr.fedorainfracloud.org/api_3/docs, ``/api_3/project/list?ownername=…`` and
``/api_3/build/list?ownername=…&projectname=…``; both return ``{"items": […], "meta": {…}}``. A build::

    {"id": 7000001, "state": "succeeded", "ownername": "rana", "projectname": "tides", "submitter": "rana",
     "source_package": {"name": "boat", "version": "1.5-1", "url": "https://…"}, "chroots": ["fedora-44-x86_64"],
     "submitted_on": 1700000000, "started_on": 1700000050, "ended_on": 1700000100}

Name and version are null until the sources have been imported.
"""

from datetime import UTC, datetime

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Moment, Shape, Text
from hubs.clients.koji import Built

#: Number of projects of a person whose builds are read.
PROJECTS = 5


class _Project(Shape):
    name: Text
    ownername: Text = ""


class _Projects(Shape):
    items: Records[_Project]


class _Source(Shape):
    name: Text = ""
    version: Text = ""


class _Build(Shape):
    id: int
    state: Text = ""
    projectname: Text = ""
    submitter: Text = ""
    source_package: _Source = _Source()
    submitted_on: Moment | None = None
    ended_on: Moment | None = None


class _Builds(Shape):
    items: Records[_Build]


class Copr:
    """A client of Copr."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Copr", base)
        self.is_used = self._service.is_used

    def page(self, number: int) -> str:
        """Return the address of a build's page; empty where this instance does not use Copr."""
        return self._service.url("coprs", "build", number) if self.is_used else ""

    def of_person(self, username: str, count: int) -> list[Built]:
        """Return the newest builds in a person's projects, at most ``count``, newest first.

        :raises UpstreamMissing: when Copr does not know the person.
        :raises UpstreamError: when there is no usable response.
        """
        service = self._service
        address = service.url(
            "api_3", "project", "list", ownername=username, limit=PROJECTS, order="id", order_type="DESC"
        )
        projects: _Projects = self._http.get(address, service, limit=LARGE).read_as(_Projects)
        builds: list[Built] = []
        for project in projects.items[:PROJECTS]:
            builds += self._of_project(username, project.name, count)
        return sorted(builds, key=lambda build: build.when, reverse=True)[:count]

    def _of_project(self, username: str, project: str, count: int) -> list[Built]:
        params = {"ownername": username, "projectname": project, "limit": count, "order": "id", "order_type": "DESC"}
        address = self._service.url("api_3", "build", "list", **params)
        builds: _Builds = self._http.get(address, self._service, limit=LARGE).read_as(_Builds)
        return [self._built(build) for build in builds.items]

    def _built(self, build: _Build) -> Built:
        source = build.source_package
        name = "-".join(part for part in (source.name, source.version) if part) or build.projectname
        when = build.ended_on or build.submitted_on or datetime.fromtimestamp(0, UTC)
        return Built(build.id, name, build.state, build.submitter, when, self.page(build.id))
