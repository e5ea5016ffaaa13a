"""Koji: the builds of packages.

API: https://koji.fedoraproject.org/koji/api, call ``listBuilds`` over XML-RPC at ``/kojihub``; keywords are a last
argument with the key ``__starstar``. ``packageID`` and ``userID`` take names as well as numbers. Response, a list::

    {"build_id": 288888, "name": "boat", "version": "1.51", "release": "1.fc44", "nvr": "boat-1.51-1.fc44", "state": 1,
     "owner_name": "rana", "creation_ts": 1424787586.1, "completion_ts": 1424787999.0}

States are 0 building, 1 complete, 2 deleted, 3 failed, 4 canceled.
"""

import xmlrpc.client
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Moment, Response, Shape, Text, unexpected

XML = "text/xml"


@dataclass(frozen=True)
class Built:
    """A build; ``state`` is a number in Koji and a word in Copr."""

    number: int
    name: str
    state: int | str
    owner: str
    when: datetime
    url: str


class _Build(Shape):
    build_id: int
    nvr: Text
    state: int = -1
    owner_name: Text = ""
    creation_ts: Moment | None = None
    completion_ts: Moment | None = None


class Koji:
    """A client of Koji."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Koji", base)
        self.is_used = self._service.is_used

    def page(self, number: int) -> str:
        """Return the address of a build's page; empty where this instance does not use Koji."""
        return self._service.url("koji", "buildinfo", buildID=number) if self.is_used else ""

    def of_person(self, username: str, count: int) -> list[Built]:
        """Return the newest builds of a person, at most ``count``; none for people unknown to Koji.

        :raises UpstreamError: when there is no usable response.
        """
        return self._list(count, userID=username)

    def of_package(self, name: str, count: int) -> list[Built]:
        """Return the newest builds of a package; raises as `of_person`."""
        return self._list(count, packageID=name)

    def _list(self, count: int, **criteria: str) -> list[Built]:
        options = {"limit": count, "order": "-build_id"}
        request = xmlrpc.client.dumps(({**criteria, "queryOpts": options, "__starstar": True},), "listBuilds")
        response = self._http.post(self._service.url("kojihub"), self._service, request.encode(), XML, LARGE)
        return [self._built(build) for build in _read(response)]

    def _built(self, build: _Build) -> Built:
        when = build.completion_ts or build.creation_ts or datetime.fromtimestamp(0, UTC)
        return Built(build.build_id, build.nvr, build.state, build.owner_name, when, self.page(build.build_id))


def _read(response: Response) -> list[_Build]:
    """Return the builds in a response. XML-RPC has no document type, so a response with one is refused."""
    if b"<!" in response.body:
        raise unexpected(response.name)
    try:
        values: Any = xmlrpc.client.loads(response.body)[0][0]
    except (xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError):
        raise unexpected(response.name) from None
    builds: list[_Build] = response.validated(values, Records[_Build])
    return builds
