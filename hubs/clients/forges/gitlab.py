"""GitLab: issues and merge requests of projects, groups and people on any server.

API: https://docs.gitlab.com/api/issues/ and https://docs.gitlab.com/api/merge_requests/, version 4:
``/api/v4/projects/<id>/issues?state=opened`` and ``…/merge_requests``, the same below ``groups``, and across projects
``/api/v4/issues?scope=all&author_username=…``, which only signed-in accounts may list. ``<id>`` is the path with ``/``
quoted. The response is a list of items such as ``{"iid": 6, "title": "…", "web_url": "https://…", "author":
{"username": "…"}, "assignees": […], "reviewers": […], "labels": ["bug"], "draft": false, "confidential": false,
"updated_at": "2026-03-01T16:00:00Z", "references": {"full": "group/project#6"}}``; the header ``X-Total``
counts them all.

Page https://docs.gitlab.com/api/pipelines/: ``/api/v4/projects/<id>/pipelines?ref=<branch>`` lists pipelines, the
newest first: ``{"id": 47, "iid": 12, "status": "success", "source": "push", "ref": "main", "sha": "…", "web_url": "https://…",
"created_at": "…", "updated_at": "…"}``.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from hubs.clients.forges.checks import Check, Checks, checked, state_of
from hubs.clients.forges.tickets import EVER, PAGE, Ticket, Tickets, labelled, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Link, Moment, Response, Shape, Text
from hubs.clients.http.service import HostKey
from hubs.errors import UpstreamMissing
from hubs.parameters.addresses import TypedAddress


class _Account(Shape):
    username: Text = ""


class _References(Shape):
    full: Text = ""


class _Item(Shape):
    iid: int
    title: Text = ""
    web_url: Link = ""
    author: _Account | None = None
    assignees: Parts[_Account] = Field(default_factory=list)
    reviewers: Parts[_Account] = Field(default_factory=list)
    labels: Parts[Text] | None = None
    draft: bool | None = False
    updated_at: Moment = EVER
    references: _References | None = None
    #: Merge requests have none. Anything but false counts as confidential.
    confidential: Any = False

    def ticket(self, project: str) -> Ticket:
        """Return it as a ticket of the project that it names, else of ``project``."""
        full = self.references.full if self.references else ""
        return Ticket(
            project=full.rpartition("#")[0] or full.rpartition("!")[0] or project,
            number=str(self.iid),
            title=self.title,
            url=self.web_url,
            author=self.author.username if self.author else "",
            updated=self.updated_at,
            assignees=tuple(account.username for account in self.assignees if account.username),
            reviewers=tuple(account.username for account in self.reviewers if account.username),
            draft=bool(self.draft),
            labels=None if self.labels is None else tuple(self.labels),
        )


class _Pipeline(Shape):
    id: int
    status: Text = ""
    source: Text = ""
    sha: Text = ""
    web_url: Link = ""
    created_at: Moment = EVER
    updated_at: Moment | None = None

    def check(self) -> Check:
        name = f"#{self.id} {self.source}".strip()
        return Check(name, state_of(self.status), self.web_url, self.updated_at or self.created_at)


class GitLab:
    """A client of GitLab servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._own = http, Service("GitLab", base, token)
        #: Whether lists of people are available: GitLab does not show them to visitors.
        self.lists_people = bool(token.get_secret_value())

    def issues(self, project: str, owner: str = "", label: str = "", key: HostKey | None = None) -> Tickets:
        """Return the open issues of ``host/group/project`` or ``host/group``; groups may be nested.

        ``owner`` names the hub whose people typed it and entered ``key``. With ``label``, only issues that have it are
        returned.

        :raises UpstreamMissing: when there is neither such a project nor such a group.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        more = {"labels": label} if label else {}
        return labelled(self._list(project, owner, "issues", key, **more), label)

    def pulls(self, project: str, owner: str = "", key: HostKey | None = None) -> Tickets:
        """Return the open merge requests of a project or a group; raises as `issues`."""
        return self._list(project, owner, "merge_requests", key)

    def checks(self, project: str, branch: str, owner: str = "", key: HostKey | None = None) -> Checks:
        """Return the pipelines of the newest commit of a branch that has any; raises as `issues`."""
        host, _slash, path = project.partition("/")
        response = self._get(host, owner, ("projects", path, "pipelines"), key, ref=branch, state=None, order_by="id")
        pipelines: list[_Pipeline] = response.read_as(Records[_Pipeline])
        sha = pipelines[0].sha if pipelines else ""
        return checked(sha, (pipeline.check() for pipeline in pipelines if pipeline.sha == sha))

    def issues_of(self, username: str) -> Tickets:
        """Return the open issues on our own server that a person filed or is assigned to; raises as `issues`."""
        return self._of_person(username, "issues", ("author_username", "assignee_username"))

    def pulls_of(self, username: str) -> Tickets:
        """Return the open merge requests there that a person filed, or is to review; raises as `issues`."""
        return self._of_person(username, "merge_requests", ("author_username", "reviewer_username"))

    def _of_person(self, username: str, kind: str, roles: Sequence[str]) -> Tickets:
        host = urlsplit(self._own.base).netloc
        answers = [self._get(host, "", (kind,), None, scope="all", **{role: username}) for role in roles]
        return listed(ticket for answer in answers for ticket in _tickets(answer).items)

    def _list(self, project: str, owner: str, kind: str, key: HostKey | None, **params: Any) -> Tickets:
        host, _slash, path = project.partition("/")
        # A path of several parts may be a project or a nested group; one of a single part is a group.
        levels = ("projects", "groups") if "/" in path else ("groups",)
        for level in levels[:-1]:
            try:
                return _tickets(self._get(host, owner, (level, path, kind), key, **params), path)
            except UpstreamMissing:
                continue
        return _tickets(self._get(host, owner, (levels[-1], path, kind), key, **params), path)

    def _get(self, host: str, owner: str, parts: Sequence[str], key: HostKey | None, **params: Any) -> Response:
        credential = key.sent_as("PRIVATE-TOKEN") if key else None
        query: dict[str, Any] = {"state": "opened", "order_by": "updated_at", "per_page": PAGE, **params}
        if urlsplit(self._own.base).netloc == host:
            return self._http.get(
                self._own.url("api", "v4", *parts, **query), self._own, limit=LARGE, credential=credential
            )
        # a host name that a person typed may lead anywhere
        typed = TypedAddress(f"https://{host}", owner)
        return self._http.get(typed.below("api", "v4", *parts, **query), credential=credential)


def _tickets(response: Response, project: str = "") -> Tickets:
    items: list[_Item] = response.read_as(Records[_Item])
    text = response.headers.get("x-total", "")
    total = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    # Our account may see confidential issues, but viewers of a hub may not.
    tickets = [item.ticket(project) for item in items if item.confidential is False]
    return listed(tickets, total, len(items) >= PAGE and total is None)
