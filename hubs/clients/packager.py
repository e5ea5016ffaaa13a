"""The packager dashboard (Oraculum): what needs attention in the packages of a person or a group.

Its server publishes no description of its API. This is the format that its own pages read, which the contract names
with their version: ``/api/v2/packager_dashboard?users=…`` or ``?groups=…``. Response::

    {"status": 200, "packages": {"lantern": {"maintainers": {"users": ["rana"], "groups": []}, "data": {
        "bzs": [{"bug_id": 123456, "title": "…", "status": "NEW", "keywords": ["Security"], "private": false,
                 "priority_severity": "high", "modified": "2026-11-20 10:00:00", "url": "https://…", …}],
        "prs": […], "updates": […], "overrides": […], "koschei": […], "fails_to_install": […],
        "orphans": {"orphaned": false, "depends_on_orphaned": true, "direct_dependencies": ["otter"], …}, …}}}}

``status`` is 202 as long as the server gathers data; what it has by then is there, and packages follow. Times are UTC,
mostly without a zone. ``koschei`` lists builds of every state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import MOST, Parts, Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text
from hubs.errors import UpstreamUnreachable
from hubs.i18n import _

#: Kinds of items, the most urgent first.
ORPHANED, AFFECTED, BUILD, INSTALL, URGENT, PULL, OVERRIDE, UPDATE, BUG = KINDS = (
    *("orphaned", "affected", "build", "install", "urgent", "pull", "override", "update", "bug"),
)
#: Most items that are kept, and seconds after which a server that gathers data is asked again.
KEPT, GATHERING = 500, 60.0
#: Keywords of bugs that block a release or are about security, and the severities that count as urgent.
_PRESSING = {"AcceptedBlocker", "ProposedBlocker", "SecurityTracking"}
_SEVERE = ("urgent", "high")
#: The lists of a package, the most urgent first.
_LISTS = ("koschei", "fails_to_install", "prs", "overrides", "updates", "bzs")
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Item:
    """Something about a package that needs attention; ``kind`` is one of `KINDS`.

    ``title`` is empty where the kind says it all. ``detail`` is what else the service says: the state of a bug or an
    update, the author of a pull request, the names of orphaned packages. ``moment`` is the last change, or the end of
    an override.
    """

    kind: str
    package: str
    title: str
    url: str
    release: str
    detail: str
    moment: datetime | None

    @property
    def key(self) -> str:
        """Identifies the item among those of its dashboard."""
        return ":".join((self.kind, self.package, self.release, self.url or self.title))


@dataclass(frozen=True)
class Dashboard:
    """Items, the most urgent first, of ``packages`` packages; ``page`` is the dashboard's own page.

    ``total`` is the number of items, which may be larger than that of ``items``. ``is_complete`` is false as long as
    the server gathers data.
    """

    items: tuple[Item, ...]
    total: int
    packages: int
    page: str
    is_complete: bool = True

    def count(self, *kinds: str) -> int:
        """Return the number of items of these kinds."""
        return sum(item.kind in kinds for item in self.items)


class _Record(Shape):
    package: Text
    release: Text = ""
    url: Link = ""

    def item(self) -> Item | None:
        """Return the record as an item, or None if it needs no attention."""
        raise NotImplementedError

    def _item(self, kind: str, title: str = "", detail: str = "", moment: datetime | None = None) -> Item:
        return Item(kind, self.package, title, self.url, self.release, detail, moment)


class _Bug(_Record):
    kind: Literal["bzs"]
    bug_id: Text
    title: Text = ""
    status: Text = ""
    keywords: Parts[Text] = Field(default_factory=list)
    priority_severity: Text = ""
    private: bool = False
    modified: Moment | None = None

    def item(self) -> Item | None:
        if self.private:  # visitors of this hub may not see it, whoever the server takes us for
            return None
        is_urgent = self.priority_severity in _SEVERE or not _PRESSING.isdisjoint(self.keywords)
        title = self.title or f"#{self.bug_id}"
        return self._item(URGENT if is_urgent else BUG, title, self.status, self.modified)


class _Pull(_Record):
    kind: Literal["prs"]
    title: Text
    author: Text = ""
    last_updated: Moment | None = None
    date_created: Moment | None = None

    def item(self) -> Item:
        return self._item(PULL, self.title, self.author, self.last_updated or self.date_created)


class _Update(_Record):
    kind: Literal["updates"]
    pretty_name: Text
    status: Text = ""
    submission_date: Moment | None = None

    def item(self) -> Item:
        return self._item(UPDATE, self.pretty_name, self.status, self.submission_date)


class _Override(_Record):
    kind: Literal["overrides"]
    pretty_name: Text
    expiration_date: Moment | None = None

    def item(self) -> Item:
        return self._item(OVERRIDE, self.pretty_name, moment=self.expiration_date)


class _Success(Shape):
    time: Moment | None = None


class _Koschei(_Record):
    kind: Literal["koschei"]
    status: Text
    last_success: _Success | None = None

    def item(self) -> Item | None:
        if self.status != "failing":
            return None
        return self._item(BUILD, moment=self.last_success.time if self.last_success else None)


class _Problem(Shape):
    since: Moment | None = None


class _Install(_Record):
    kind: Literal["fails_to_install"]
    release: Text
    #: By architecture; ``src`` and ``src-…`` are about building.
    problems: dict[str, _Problem | None] = Field(default_factory=dict)

    def item(self) -> Item:
        moments = [problem.since for problem in self.problems.values() if problem and problem.since]
        is_source = bool(self.problems) and all(name.startswith("src") for name in self.problems)
        return self._item(BUILD if is_source else INSTALL, moment=min(moments, default=None))


class _Orphans(_Record):
    kind: Literal["orphans"]
    orphaned: bool = False
    depends_on_orphaned: bool = False
    problematic_since: Moment | None = None
    direct_dependencies: Parts[Text] = Field(default_factory=list)
    remote_dependencies: Parts[Text] = Field(default_factory=list)

    def item(self) -> Item | None:
        if not (self.orphaned or self.depends_on_orphaned):
            return None
        kind, others = (ORPHANED, []) if self.orphaned else (AFFECTED, self.direct_dependencies)
        return self._item(kind, detail=", ".join(sorted(others)[:5]), moment=self.problematic_since)


_Any = Annotated[_Bug | _Pull | _Update | _Override | _Koschei | _Install | _Orphans, Field(discriminator="kind")]


def _listed(value: Any) -> Any:
    """Return the records of all packages as one list, of which unreadable ones are skipped and counted."""
    return list(islice(_records(value), MOST)) if isinstance(value, Mapping) else value


def _records(packages: Mapping[Any, Any]) -> Iterator[Any]:
    parts = [
        (name, package.get("data") if isinstance(package, Mapping) else None) for name, package in packages.items()
    ]
    for name, data in parts:
        if not isinstance(data, Mapping):
            yield data
            continue
        orphans = data.get("orphans")
        if isinstance(orphans, Mapping) and (orphans.get("orphaned") or orphans.get("depends_on_orphaned")):
            yield {**orphans, "kind": "orphans", "package": name}
    for kind in _LISTS:
        for name, data in parts:
            records = data.get(kind) if isinstance(data, Mapping) else None
            for record in records if isinstance(records, list) else ():
                if not isinstance(record, Mapping):
                    yield record
                elif (
                    kind != "koschei" or record.get("status") == "failing" or not isinstance(record.get("status"), str)
                ):
                    yield {**record, "kind": kind, "package": name}


class _Answer(Shape):
    status: int = 200
    packages: Annotated[Records[_Any], BeforeValidator(_listed)]


class PackagerDashboard:
    """A client of the packager dashboard."""

    def __init__(self, http: HTTP, base: str) -> None:
        self._http, self._service = http, Service("Packager dashboard", base)

    def read(self, *, user: str | None = None, group: str | None = None) -> Dashboard:
        """Return the dashboard of a person or of a group; without packages if it knows neither.

        :raises UpstreamUnreachable: also when the server has just begun to gather data.
        :raises UpstreamError: when there is no usable response.
        """
        named = {"users": user, "groups": group}
        response = self._http.get(
            self._service.url("api", "v2", "packager_dashboard", **named), self._service, limit=LARGE
        )
        body = response.json()
        status = body.get("status") if isinstance(body, Mapping) else None
        if isinstance(status, int) and status >= 300:
            text = _("{host} reported an error ({status}).")
            raise UpstreamUnreachable(text.format(host=response.name, status=status))
        answer: _Answer = response.validated(body, _Answer)
        items = [self._linked(item) for item in (record.item() for record in answer.packages) if item]
        if answer.status != 200 and not items:
            text = _("{host} is still gathering data and will be asked again in a minute.")
            raise UpstreamUnreachable(text.format(host=response.name), GATHERING)
        return Dashboard(
            items=tuple(sorted(items, key=_order)[:KEPT]),
            total=len(items),
            packages=len(body["packages"] or ()),
            page=self._service.url("dashboard", **named),
            is_complete=answer.status == 200,
        )

    def _linked(self, item: Item) -> Item:
        """Return the item with a link: failures without one lead to the package's part of the dashboard."""
        return item if item.url else replace(item, url=self._service.url("dashboard", packages=item.package))


def _order(item: Item) -> tuple[int, float, str]:
    return KINDS.index(item.kind), -(item.moment or _LONG_AGO).timestamp(), item.package
