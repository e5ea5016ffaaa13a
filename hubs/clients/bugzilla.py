"""Bugzilla: bugs, and the reviews of new packages among them.

API: https://bugzilla.readthedocs.io/en/latest/api/core/v1/bug.html#search-bugs, ``/rest/bug``. Response::

    {"bugs": [{"id": 2100001, "summary": "Review Request: otter - A tool that swims", "status": "ASSIGNED",
               "resolution": "", "product": "Fedora", "component": ["Package Review"], "creator": "rana@example.org",
               "assigned_to": "kofi@example.org", "creation_time": "2026-11-01T10:00:00Z",
               "last_change_time": "2026-11-20T10:00:00Z",
               "flags": [{"id": 1, "name": "fedora-review", "status": "?", "setter": "kofi@example.org"}],
               "groups": []}]}

To requests without a key, addresses are shortened to the part before the @. Unassigned bugs are assigned to ``nobody``
at some domain, whatever their status. ``component`` is a text on a plain Bugzilla and a list on Red Hat's. Flags have
the status ``?``, ``+`` or ``-``.
A bug with ``groups`` is restricted to them. Our key may see it, but viewers of a hub may not, so it is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, SecretStr

from hubs.clients.forges.tickets import Ticket, Tickets, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Moment, Shape, Text
from hubs.errors import NeedsSetup
from hubs.i18n import _

#: The requested fields of a bug, and the maximum number of bugs.
FIELDS = "id,summary,status,resolution,component,creator,assigned_to,creation_time,last_change_time,flags,groups"
ROWS = 200
#: The component in which new packages are reviewed.
REVIEWS = "Package Review"
#: The name in the address of the assignee of unassigned bugs: its domain depends on the server and the product.
NOBODY = "nobody"
_EVER = datetime.fromtimestamp(0, UTC)
#: Bugs in these states are unassigned, too: Bugzilla enters the owner of the component.
_UNASSIGNED = ("NEW", "UNCONFIRMED")


@dataclass(frozen=True)
class Bug:
    """A bug; ``flags`` are (name, status) pairs."""

    id: int
    summary: str
    url: str
    status: str
    creator: str
    assignee: str
    created: datetime
    changed: datetime
    flags: tuple[tuple[str, str], ...] = ()

    @property
    def review(self) -> str:
        """The status of the flag for reviews, of which each community has its own: ``?``, ``+``, ``-``, else empty."""
        return next((status for name, status in self.flags if name.endswith("-review")), "")


class _Flag(Shape):
    name: Text
    status: Text = ""


class _Bug(Shape):
    id: int
    summary: Text = ""
    status: Text = ""
    creator: Text = ""
    assigned_to: Text = ""
    creation_time: Moment | None = None
    last_change_time: Moment | None = None
    flags: Parts[_Flag] = Field(default_factory=list)
    groups: Any = None


class _SearchResult(Shape):
    bugs: Records[_Bug]


class Bugzilla:
    """A client of Bugzilla, with the API key of the settings if there is one.

    ``product`` has the requests to review packages; it is empty where there are none.
    """

    def __init__(self, http: HTTP, base: str, key: SecretStr, product: str = "") -> None:
        self._http, self._service, self._product = http, Service("Bugzilla", base, key), product

    def reviews(self, email: str) -> list[Bug]:
        """Return the open review requests of a person, last changed first.

        :raises NeedsSetup: when packages are not reviewed there.
        :raises UpstreamError: when there is no usable response.
        """
        if not self._product:
            raise NeedsSetup(_("Packages are not reviewed in Bugzilla here."))
        return self.search(product=self._product, component=REVIEWS, creator=email, resolution="---")

    def issues(self, project: str) -> Tickets:
        """Return the open bugs of ``product/component``, in the form of the other trackers; raises as `search`."""
        product, _slash, component = project.partition("/")
        return _tickets(self.search(product=product, component=component, resolution="---"), project)

    def issues_of(self, email: str) -> Tickets:
        """Return the open bugs that a person filed or is assigned to, as `issues` does."""
        bugs = [*self.search(assigned_to=email, resolution="---"), *self.search(creator=email, resolution="---")]
        return _tickets([_complete(bug, email) for bug in bugs], "Bugzilla")

    def search(self, **criteria: Any) -> list[Bug]:
        """Return at most `ROWS` public bugs, last changed first; ``criteria`` are parameters of Bugzilla's search.

        :raises UpstreamError: when there is no usable response.
        """
        url = self._service.url("rest", "bug", **criteria, include_fields=FIELDS, limit=ROWS, order="changeddate DESC")
        response: _SearchResult = self._http.get(url, self._service, limit=LARGE).read_as(_SearchResult)
        bugs = [self._bug(bug) for bug in response.bugs[:ROWS] if not bug.groups]
        return sorted(bugs, key=lambda bug: bug.changed, reverse=True)

    def _bug(self, bug: _Bug) -> Bug:
        return Bug(
            id=bug.id,
            summary=bug.summary,
            url=self._service.url("show_bug.cgi", id=bug.id),
            status=bug.status,
            creator=bug.creator,
            assignee="" if bug.assigned_to.partition("@")[0].lower() == NOBODY else bug.assigned_to,
            created=bug.creation_time or bug.last_change_time or _EVER,
            changed=bug.last_change_time or bug.creation_time or _EVER,
            flags=tuple((flag.name, flag.status) for flag in bug.flags),
        )


def _complete(bug: Bug, email: str) -> Bug:
    """Return a bug of the person with this address, restoring it where the server has shortened it.

    The bugs were searched for by the whole address, so its shortened form in them stands for the same person.
    """
    short = email.partition("@")[0]
    return replace(
        bug,
        creator=email if bug.creator == short else bug.creator,
        assignee=email if bug.assignee == short else bug.assignee,
    )


def _tickets(bugs: Sequence[Bug], project: str) -> Tickets:
    return listed((_ticket(bug, project) for bug in bugs), least=len(bugs) >= ROWS)


def _ticket(bug: Bug, project: str) -> Ticket:
    is_assigned = bug.assignee and bug.status not in _UNASSIGNED
    assignees = (bug.assignee,) if is_assigned else ()
    return Ticket(project, str(bug.id), bug.summary, bug.url, bug.creator, bug.changed, assignees)
