"""Bodhi: updates of packages on their way to stable.

API: https://bodhi.fedoraproject.org/docs/server_api/rest/updates.html, ``/updates/?user=…&status=testing``. Response::

    {"updates": [{"alias": "FEDORA-2026-1a2b3c4d5e", "title": "otter-1.2-1.fc43", "url": "https://…",
                  "status": "testing", "request": null, "karma": 1, "stable_karma": 3, "stable_days": 7,
                  "autokarma": true, "critpath": false, "meets_testing_requirements": false,
                  "date_submitted": "2026-11-20 10:00:00", "date_testing": "2026-11-21 03:00:00",
                  "release": {"name": "F43", "long_name": "Fedora 43"}, "builds": […], "comments": […]}],
     "page": 1, "pages": 1, "rows_per_page": 20, "total": 1}

``request`` is null, or the requested status, such as ``stable``. Times are UTC without a zone. For an unknown user some
versions return an empty list and others an error 404.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text
from hubs.errors import UpstreamMissing

#: Updates per page, and number of pages.
ROWS, PAGES = 40, 5


@dataclass(frozen=True)
class Update:
    """An update in testing.

    ``ready`` is true if it may be pushed to stable now. Time in testing does not count if ``needed_days`` is 0.
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
    alias: Text
    title: Text = ""
    url: Link = ""
    request: str | None = None
    karma: int | None = 0
    stable_karma: int | None = 0
    stable_days: int | None = 0
    date_submitted: Moment | None = None
    date_testing: Moment | None = None
    meets_testing_requirements: bool | None = False
    release: _Release | None = None


class _Page(Shape):
    updates: Records[_Update]
    pages: int = 1


class Bodhi:
    """A client of Bodhi."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Bodhi", base)

    def in_testing(self, username: str) -> list[Update]:
        """Return a person's updates in testing without a pending request: ready ones first, then the oldest.

        :raises UpstreamError: when there is no usable response.
        """
        # Once each: while pages are read, updates may move from one to the next.
        updates = {
            (update.alias, update.title): self._update(update) for update in self._read(username) if not update.request
        }
        return sorted(updates.values(), key=_order)

    def _read(self, username: str) -> Iterator[_Update]:
        for number in range(1, PAGES + 1):
            url = self._service.url("updates", "", user=username, status="testing", rows_per_page=ROWS, page=number)
            try:
                page: _Page = self._http.get(url, self._service, limit=LARGE).read_as(_Page)
            except UpstreamMissing:
                return
            yield from page.updates
            if number >= page.pages:
                return

    def _update(self, update: _Update) -> Update:
        release = update.release or _Release()
        return Update(
            alias=update.alias,
            title=update.title or update.alias,
            url=update.url or self._service.url("updates", update.alias),
            release=release.long_name or release.name,
            karma=update.karma or 0,
            needed_karma=update.stable_karma or 0,
            needed_days=update.stable_days or 0,
            since=update.date_testing or update.date_submitted,
            ready=bool(update.meets_testing_requirements),
        )


def _order(update: Update) -> tuple[bool, float, str]:
    return not update.ready, update.since.timestamp() if update.since else 0.0, update.title
