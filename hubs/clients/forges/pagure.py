"""Pagure: issues and pull requests of projects on any server, and of people on our own.

API: https://pagure.io/api/0/, sections "Issues", "Pull-requests" and "Users":

* ``/api/0/<project>/issues?status=Open``: ``{"issues": […], "total_issues": 3}``
* ``/api/0/<project>/pull-requests?status=Open``: ``{"requests": […], "total_requests": 3}``
* ``/api/0/user/<name>/issues?status=Open``: ``{"issues_assigned": […], "issues_created": […]}``
* ``/api/0/user/<name>/requests/filed`` and ``…/actionable``: ``{"requests": […]}``

An issue is ``{"id": 4, "title": "…", "status": "Open", "private": false, "user": {"name": "…"}, "assignee": null,
"date_created": "1427442217", "last_updated": "1427442999", "tags": ["easyfix"], "project": {"fullname": "…"},
"full_url": "https://…"}``; the lists of one project leave out ``project``, and older servers ``full_url``.
``<project>`` may hold a namespace. With ``tags=…`` only the issues with a tag are listed.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from hubs.clients.forges.tickets import EVER, PAGE, Ticket, Tickets, labelled, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text
from hubs.parameters.addresses import TypedAddress, below
from hubs.parameters.projects import pagure_server


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
    tags: Parts[Text] | None = None
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
    """A client of Pagure servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._own = http, Service("Pagure", base, token, "token")

    def issues(self, project: str, owner: str = "", label: str = "") -> Tickets:
        """Return the open issues of ``name`` or ``namespace/name``, on another server ``host/…``.

        ``owner`` names the hub whose people typed it. With ``label``, only issues that have it as a tag are returned.

        :raises UpstreamMissing: when there is no such project, or its issues are disabled.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        more = {"tags": label} if label else {}
        response: _Issues = self._of_project(_Issues, project, "issues", owner, **more)
        tickets = listed(_tickets(response.issues, "issue", self._page(project), project), response.total_issues)
        return labelled(tickets, label)

    def pulls(self, project: str, owner: str = "") -> Tickets:
        """Return the open pull requests of a project; raises as `issues`."""
        response: _Requests = self._of_project(_Requests, project, "pull-requests", owner)
        tickets = _tickets(response.requests, "pull-request", self._page(project), project)
        return listed(tickets, response.total_requests)

    def issues_of(self, username: str) -> Tickets:
        """Return the open issues on our own server that a person filed or is assigned to; raises as `issues`."""
        response: _OfPerson = self._get(_OfPerson, "", "", "user", username, "issues")
        return listed(_tickets([*response.issues_assigned, *response.issues_created], "issue", self._own.base))

    def pulls_of(self, username: str) -> Tickets:
        """Return the open pull requests there that a person filed, or is to review; raises as `issues`."""
        filed: _Requests = self._get(_Requests, "", "", "user", username, "requests", "filed")
        waiting: _Requests = self._get(_Requests, "", "", "user", username, "requests", "actionable")
        others = _tickets(waiting.requests, "pull-request", self._own.base)
        mine = _tickets(filed.requests, "pull-request", self._own.base)
        return listed([*(replace(ticket, reviewers=(username,)) for ticket in others), *mine])

    def _of_project(self, shape: Any, project: str, kind: str, owner: str, **params: str) -> Any:
        host, path = pagure_server(project)
        return self._get(shape, host, owner, *path.split("/"), kind, **params)

    def _get(self, shape: Any, host: str, owner: str, *parts: str, **params: str) -> Any:
        query: dict[str, Any] = {"status": "Open", "per_page": PAGE, **params}
        if self._is_own(host):
            return self._http.get(self._own.url("api", "0", *parts, **query), self._own, limit=LARGE).read_as(shape)
        # a host name that a person typed may lead anywhere
        typed = TypedAddress(f"https://{host}", owner)
        return self._http.get(typed.below("api", "0", *parts, **query)).read_as(shape)

    def _is_own(self, host: str) -> bool:
        return host in ("", urlsplit(self._own.base).netloc)

    def _page(self, project: str) -> str:
        """Return the address of the server of a project."""
        host, _path = pagure_server(project)
        return self._own.base if self._is_own(host) else f"https://{host}"


def _tickets(tickets: Iterable[_Ticket], kind: str, server: str, project: str = "") -> list[Ticket]:
    return [_ticket(ticket, kind, server, project) for ticket in tickets if ticket.private is False]


def _ticket(ticket: _Ticket, kind: str, server: str, project: str) -> Ticket:
    _host, path = pagure_server(project)
    name = path or (ticket.project.fullname or ticket.project.name if ticket.project else "")
    return Ticket(
        project=name,
        number=str(ticket.id),
        title=ticket.title,
        url=ticket.full_url or (below(server, *name.split("/"), kind, ticket.id) if name else ""),
        author=ticket.user.name if ticket.user else "",
        updated=ticket.last_updated or ticket.date_created or EVER,
        assignees=(ticket.assignee.name,) if ticket.assignee and ticket.assignee.name else (),
        labels=None if ticket.tags is None else tuple(ticket.tags),
    )
