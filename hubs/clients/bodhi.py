"""Bodhi: updates of packages on their way to stable.

API: https://bodhi.fedoraproject.org/docs/server_api/rest/updates.html, ``/updates/?user=…&status=testing``. Answer::

    {"updates": [{"alias": "FEDORA-2026-1a2b3c4d5e", "title": "otter-1.2-1.fc43", "url": "https://…",
                  "status": "testing", "request": null, "karma": 1, "stable_karma": 3, "stable_days": 7,
                  "autokarma": true, "critpath": false, "meets_testing_requirements": false,
                  "date_submitted": "2026-11-20 10:00:00", "date_testing": "2026-11-21 03:00:00",
                  "release": {"name": "F43", "long_name": "Fedora 43"}, "builds": […], "comments": […]}],
     "page": 1, "pages": 1, "rows_per_page": 20, "total": 1}

``request`` is null, or what is already asked for, such as ``stable``. Moments are UTC without a zone. An unknown user
is an empty list on some versions and an error 404 on others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.response import Link, Moment, Shape, Text
from hubs.errors import UpstreamMissing

#: Updates asked for at a time, pages that are read, and the largest page in bytes: updates carry all their comments.
ROWS, PAGES, LIMIT = 40, 5, 8_000_000


@dataclass(frozen=True)
class Update:
    """An update in testing.

    ``ready`` tells that it may be pushed to stable now. ``days`` in testing are enough where ``needed_days`` is 0.
    """

    alias: str
    title: str
    url: str
    release: str
    karma: int
    needed_karma: int
    needed_days: int
    since: datetime | None
    ready: bool


class _Release(Shape):
    name: Text = ""
    long_name: Text = ""


class _Update(Shape):
    title: Text
    alias: Text = ""
    url: Link = ""
    request: str | None = None
    karma: int | None = 0
    stable_karma: int | None = 0
    stable_days: int | None = 0
    date_submitted: Moment | None = None
    date_testing: Moment | None = None
    meets_testing_requirements: bool = False
    release: _Release | None = None


class _Page(Shape):
    updates: list[_Update] = Field(max_length=200)
    pages: int = 1


class Bodhi:
    """Asks Bodhi."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Bodhi", base)

    def in_testing(self, username: str) -> list[Update]:
        """Return a person's updates in testing for which nothing is asked yet: ready ones first, the oldest first.

        :raises UpstreamError: when there is no usable answer.
        """
        found = [self._update(one) for one in self._read(username) if not one.request]
        return sorted(found, key=lambda one: (not one.ready, one.since.timestamp() if one.since else 0.0, one.title))

    def _read(self, username: str) -> Iterator[_Update]:
        for number in range(1, PAGES + 1):
            url = self._service.url("updates", "", user=username, status="testing", rows_per_page=ROWS, page=number)
            try:
                page: _Page = self._http.get(url, self._service, limit=LIMIT).read_as(_Page)
            except UpstreamMissing:
                return
            yield from page.updates
            if number >= page.pages:
                return

    def _update(self, one: _Update) -> Update:
        release = one.release or _Release()
        return Update(
            alias=one.alias,
            title=one.title,
            url=one.url or self._service.url("updates", one.alias),
            release=release.long_name or release.name,
            karma=one.karma or 0,
            needed_karma=one.stable_karma or 0,
            needed_days=one.stable_days or 0,
            since=one.date_testing or one.date_submitted,
            ready=one.meets_testing_requirements,
        )
