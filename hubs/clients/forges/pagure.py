"""Pagure: issues and pull requests of projects and of people.

API: https://pagure.io/api/0/, sections "Issues", "Pull-requests" and "Users":

* ``/api/0/<project>/issues?status=Open``: ``{"issues": […], "total_issues": 3}``
* ``/api/0/<project>/pull-requests?status=Open``: ``{"requests": […], "total_requests": 3}``
* ``/api/0/user/<name>/issues?status=Open``: ``{"issues_assigned": […], "issues_created": […]}``
* ``/api/0/user/<name>/requests/filed`` and ``…/actionable``: ``{"requests": […]}``

An issue is ``{"id": 4, "title": "…", "status": "Open", "private": false, "user": {"name": "…"}, "assignee": null,
"date_created": "1427442217", "last_updated": "1427442999", "project": {"fullname": "…"}, "full_url": "https://…"}``;
the lists of one project leave out ``project``, and older servers ``full_url``. ``<project>`` may hold a namespace.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from hubs.clients.forges.tickets import EVER, PAGE, Ticket, Tickets, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text


class _Person(Shape):
    name: Text = ""


class _Project(Shape):
    name: Text = ""
    fullname: Text = ""


class _Ticket(Shape):
    id: int
    title: Text = ""
    user: _Person | None = None
    assignee: _Person | None = None
    date_created: Moment | None = None
    last_updated: Moment | None = None
    project: _Project | None = None
    full_url: Link = ""
    #: Anything but false counts as private.
    private: Any = False


class _Issues(Shape):
    issues: Records[_Ticket]
    total_issues: int | None = None


class _Requests(Shape):
    requests: Records[_Ticket]
    total_requests: int | None = None


class _OfPerson(Shape):
    issues_assigned: Records[_Ticket]
    issues_created: Records[_Ticket]


class Pagure:
    """A client of Pagure."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._service = http, Service("Pagure", base, token, "token")

    def issues(self, project: str) -> Tickets:
        """Return the open issues of ``name`` or ``namespace/name``.

        :raises UpstreamMissing: when there is no such project, or its issues are disabled.
        :raises UpstreamError: when there is no usable response.
        """
        response: _Issues = self._get(_Issues, *project.split("/"), "issues")
        return listed(self._tickets(response.issues, "issue", project), response.total_issues)

    def pulls(self, project: str) -> Tickets:
        """Return the open pull requests of a project; raises as `issues`."""
        response: _Requests = self._get(_Requests, *project.split("/"), "pull-requests")
        return listed(self._tickets(response.requests, "pull-request", project), response.total_requests)

    def issues_of(self, username: str) -> Tickets:
        """Return the open issues that a person filed or is assigned to; raises as `issues`."""
        response: _OfPerson = self._get(_OfPerson, "user", username, "issues")
        return listed(self._tickets([*response.issues_assigned, *response.issues_created], "issue"))

    def pulls_of(self, username: str) -> Tickets:
        """Return the open pull requests that a person filed, or is to review; raises as `issues`."""
        filed: _Requests = self._get(_Requests, "user", username, "requests", "filed")
        waiting: _Requests = self._get(_Requests, "user", username, "requests", "actionable")
        others = self._tickets(waiting.requests, "pull-request")
        mine = self._tickets(filed.requests, "pull-request")
        return listed([*(replace(ticket, reviewers=(username,)) for ticket in others), *mine])

    def _get(self, shape: Any, *parts: str) -> Any:
        address = self._service.url("api", "0", *parts, status="Open", per_page=PAGE)
        return self._http.get(address, self._service, limit=LARGE).read_as(shape)

    def _tickets(self, tickets: Iterable[_Ticket], kind: str, project: str = "") -> list[Ticket]:
        return [self._ticket(ticket, kind, project) for ticket in tickets if ticket.private is False]

    def _ticket(self, ticket: _Ticket, kind: str, project: str) -> Ticket:
        name = project or (ticket.project.fullname or ticket.project.name if ticket.project else "")
        return Ticket(
            project=name,
            number=str(ticket.id),
            title=ticket.title,
            url=ticket.full_url or (self._service.url(*name.split("/"), kind, ticket.id) if name else ""),
            author=ticket.user.name if ticket.user else "",
            updated=ticket.last_updated or ticket.date_created or EVER,
            assignees=(ticket.assignee.name,) if ticket.assignee and ticket.assignee.name else (),
        )
