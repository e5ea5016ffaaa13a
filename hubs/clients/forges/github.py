"""GitHub: issues and pull requests of repositories and of people.

API: https://docs.github.com/en/rest, pages "List repository issues" (``/repos/<owner>/<name>/issues``, a list that
holds pull requests too, each with ``pull_request``), "List pull requests" (``/repos/<owner>/<name>/pulls``, a list) and
"Search issues and pull requests" (``/search/issues?q=…``: ``{"total_count": 3, "items": […]}``), "List check runs for a
Git reference" (``/repos/<owner>/<name>/commits/<branch>/check-runs``: ``{"total_count": 2, "check_runs": [{"id": 4,
"head_sha": "…", "name": "…", "status": "completed", "conclusion": "success", "html_url": "https://…", "started_at":
"…", "completed_at": null}]}``, of each check the latest run; ``conclusion`` is null until it is completed).

An item is ``{"number": 3, "title": "…", "html_url": "https://…", "state": "open", "user": {"login": "…"}, "assignees":
[{"login": "…"}], "requested_reviewers": [{"login": "…"}], "labels": [{"name": "bug"}], "draft": false, "updated_at":
"2026-03-01T16:00:00Z", "repository_url": "https://api.github.com/repos/<owner>/<name>"}``; ``user`` is null if the
account was deleted. Forgejo returns the same format, so its client reads it with `Item`, too.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field, SecretStr

from hubs.clients.forges.checks import RUNNING, Check, Checks, checked, state_of
from hubs.clients.forges.tickets import EVER, PAGE, Ticket, Tickets, labelled, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Parts, Records
from hubs.clients.http.response import LARGE, Link, Moment, Shape, Text
from hubs.errors import UpstreamMissing
from hubs.i18n import _

_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


class _Account(Shape):
    login: Text = ""


class _Label(Shape):
    name: Text = ""


class _Repository(Shape):
    full_name: Text = ""


class Item(Shape):
    """An issue or a pull request."""

    number: int
    title: Text = ""
    html_url: Link = ""
    user: _Account | None = None
    assignees: Parts[_Account] = Field(default_factory=list)
    requested_reviewers: Parts[_Account] = Field(default_factory=list)
    labels: Parts[_Label | Text] | None = None
    draft: bool | None = False
    updated_at: Moment = EVER
    repository_url: Text = ""
    #: Forgejo names the repository in this way.
    repository: _Repository | None = None
    pull_request: Any = None

    def ticket(self, project: str = "", reviewers: Sequence[str] = ()) -> Ticket:
        """Return it as a ticket of ``project``, or of the repository that it names."""
        requested = [account.login for account in self.requested_reviewers]
        return Ticket(
            project=project or (self.repository.full_name if self.repository else "") or self._named_by_url(),
            number=str(self.number),
            title=self.title,
            url=self.html_url,
            author=self.user.login if self.user else "",
            updated=self.updated_at,
            assignees=tuple(account.login for account in self.assignees if account.login),
            reviewers=tuple(name for name in (*requested, *reviewers) if name),
            draft=bool(self.draft) or (isinstance(self.pull_request, dict) and self.pull_request.get("draft") is True),
            labels=None if self.labels is None else tuple(map(_label_name, self.labels)),
        )

    def _named_by_url(self) -> str:
        return "/".join(self.repository_url.rsplit("/", 2)[-2:])


class _SearchResult(Shape):
    total_count: int = 0
    items: Records[Item]


class _Run(Shape):
    id: int
    name: Text = ""
    head_sha: Text = ""
    status: Text = ""
    conclusion: Text = ""
    html_url: Link = ""
    started_at: Moment = EVER
    completed_at: Moment | None = None

    def check(self) -> Check:
        state = state_of(self.conclusion) if self.status == "completed" else RUNNING
        return Check(self.name or str(self.id), state, self.html_url, self.completed_at or self.started_at)


class _Runs(Shape):
    check_runs: Records[_Run]


class GitHub:
    """A client of GitHub."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._service = http, Service("GitHub", base, token)

    def issues(self, project: str, label: str = "") -> Tickets:
        """Return the open issues of ``owner/name``, or those with a label.

        :raises UpstreamMissing: when there is no such repository, or its issues are disabled.
        :raises UpstreamError: when there is no usable response.
        """
        return labelled(self._list(project, "issues", label), label)

    def pulls(self, project: str) -> Tickets:
        """Return the open pull requests of a repository; raises as `issues`."""
        return self._list(project, "pulls")

    def checks(self, project: str, branch: str) -> Checks:
        """Return the checks of the newest commit of a branch, by GitHub Actions and other apps; raises as `issues`."""
        address = self._service.url("repos", *project.split("/"), "commits", branch, "check-runs", per_page=100)
        runs: list[_Run] = self._http.get(address, self._service, limit=LARGE).read_as(_Runs).check_runs
        return checked(runs[0].head_sha if runs else "", (run.check() for run in runs))

    def issues_of(self, login: str) -> Tickets:
        """Return the open issues that a person filed, is assigned to or takes part in; raises as `issues`."""
        response = self._search(f"is:open is:issue is:public involves:{_checked(login)}")
        return listed(_tickets(response.items), response.total_count)

    def pulls_of(self, login: str) -> Tickets:
        """Return the open pull requests that a person filed, or is to review; raises as `issues`."""
        person = _checked(login)
        filed, waiting = (
            self._search(f"is:open is:pr is:public {role}:{person}") for role in ("author", "review-requested")
        )
        total = filed.total_count + waiting.total_count
        return listed([*_tickets(waiting.items, reviewers=[login]), *_tickets(filed.items)], total)

    def _list(self, project: str, kind: str, label: str = "") -> Tickets:
        query: dict[str, Any] = {"state": "open", "sort": "updated", "direction": "desc", "per_page": PAGE}
        address = self._service.url("repos", *project.split("/"), kind, labels=label or None, **query)
        items: list[Item] = self._http.get(address, self._service, limit=LARGE).read_as(Records[Item])
        matching = [item for item in items if kind == "pulls" or item.pull_request is None]
        return listed(_tickets(matching, project), least=len(items) >= PAGE)

    def _search(self, query: str) -> _SearchResult:
        address = self._service.url("search", "issues", q=query, sort="updated", order="desc", per_page=PAGE)
        response: _SearchResult = self._http.get(address, self._service, limit=LARGE).read_as(_SearchResult)
        return response


def _label_name(label: _Label | str) -> str:
    return label if isinstance(label, str) else label.name


def _tickets(items: Iterable[Item], project: str = "", reviewers: Sequence[str] = ()) -> list[Ticket]:
    return [item.ticket(project, reviewers) for item in items]


def _checked(login: str) -> str:
    """Return a valid login; any other text could change the search query."""
    if not _LOGIN.fullmatch(login):
        raise UpstreamMissing(_("There is no account on GitHub with this name."))
    return login
