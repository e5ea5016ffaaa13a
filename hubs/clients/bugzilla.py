"""Bugzilla: bugs, and the reviews of new packages among them.

API: https://bugzilla.readthedocs.io/en/latest/api/core/v1/bug.html#search-bugs, ``/rest/bug``. Answer::

    {"bugs": [{"id": 2100001, "summary": "Review Request: otter - A tool that swims", "status": "ASSIGNED",
               "resolution": "", "product": "Fedora", "component": ["Package Review"], "creator": "rana@example.org",
               "assigned_to": "kofi@example.org", "creation_time": "2026-11-01T10:00:00Z",
               "last_change_time": "2026-11-20T10:00:00Z",
               "flags": [{"id": 1, "name": "fedora-review", "status": "?", "setter": "kofi@example.org"}],
               "groups": []}]}

``component`` is a text on a plain Bugzilla and a list on Red Hat's. Flags have the status ``?``, ``+`` or ``-``.
A bug with ``groups`` is for those alone: our key may see it, but what is read here is shown to others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field, SecretStr

from hubs.clients.forges.tickets import Ticket, Tickets, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.response import Moment, Shape, Text

#: What is asked for of each bug, and how many bugs at most.
FIELDS = "id,summary,status,resolution,component,creator,assigned_to,creation_time,last_change_time,flags,groups"
ROWS = 200
#: Where new packages are reviewed.
PRODUCT, REVIEWS = "Fedora", "Package Review"
#: Who a bug belongs to that nobody has taken.
NOBODY = "nobody@fedoraproject.org"
#: Bugs in this state nobody has taken either: they stand by the owner of their component.
_UNTAKEN = ("NEW", "UNCONFIRMED")


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

    def flag(self, name: str) -> str:
        """Return the status of a flag: ``?``, ``+``, ``-``, or nothing where it is not set."""
        return dict(self.flags).get(name, "")


class _Flag(Shape):
    name: Text
    status: Text = ""


class _Bug(Shape):
    id: int
    summary: Text
    status: Text = ""
    creator: Text = ""
    assigned_to: Text = ""
    creation_time: Moment
    last_change_time: Moment
    flags: list[_Flag] = Field(default=[], max_length=100)
    groups: list[Text] = Field(default=[], max_length=100)


class _Found(Shape):
    bugs: list[_Bug] = Field(max_length=ROWS)


class Bugzilla:
    """Asks Bugzilla, with the key of the settings where there is one."""

    def __init__(self, http: HTTP, base: str, key: SecretStr) -> None:
        self._http, self._service = http, Service("Bugzilla", base, key)

    def reviews(self, email: str) -> list[Bug]:
        """Return the open requests for a review that a person made, last changed first.

        :raises UpstreamError: when there is no usable answer.
        """
        return self.search(product=PRODUCT, component=REVIEWS, creator=email, resolution="---")

    def issues(self, project: str) -> Tickets:
        """Return the open bugs of ``product/component``, as the other trackers give their issues; errors as there."""
        product, _slash, component = project.partition("/")
        return _tickets(self.search(product=product, component=component, resolution="---"), project)

    def issues_of(self, email: str) -> Tickets:
        """Return the open bugs that a person filed or is assigned to; as `issues`."""
        assigned = self.search(assigned_to=email, resolution="---")
        return _tickets([*assigned, *self.search(creator=email, resolution="---")], "Bugzilla")

    def search(self, **asked: Any) -> list[Bug]:
        """Return at most `ROWS` bugs that everybody may see, last changed first; parameters are as documented there.

        :raises UpstreamError: when there is no usable answer.
        """
        url = self._service.url("rest", "bug", **asked, include_fields=FIELDS, limit=ROWS, order="changeddate DESC")
        found: _Found = self._http.get(url, self._service).read_as(_Found)
        bugs = [self._bug(one) for one in found.bugs if not one.groups]
        return sorted(bugs, key=lambda bug: bug.changed, reverse=True)

    def _bug(self, one: _Bug) -> Bug:
        return Bug(
            id=one.id,
            summary=one.summary,
            url=self._service.url("show_bug.cgi", id=one.id),
            status=one.status,
            creator=one.creator,
            assignee="" if one.assigned_to == NOBODY else one.assigned_to,
            created=one.creation_time,
            changed=one.last_change_time,
            flags=tuple((flag.name, flag.status) for flag in one.flags),
        )


def _tickets(bugs: Sequence[Bug], project: str) -> Tickets:
    return listed((_ticket(bug, project) for bug in bugs), least=len(bugs) >= ROWS)


def _ticket(bug: Bug, project: str) -> Ticket:
    taken = bug.assignee and bug.status not in _UNTAKEN
    assignees = (bug.assignee,) if taken else ()
    return Ticket(project, str(bug.id), bug.summary, bug.url, bug.creator, bug.changed, assignees)
