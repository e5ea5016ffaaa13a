"""Forgejo: issues and pull requests of repositories on any server.

API: https://codeberg.org/api/swagger (every server has this page), operations "issueListIssues"
(``/api/v1/repos/<owner>/<name>/issues?type=issues&state=open``) and "repoListPullRequests" (``…/pulls?state=open``): a
list of items in GitHub's format, see `hubs.clients.forges.github`; the header ``X-Total-Count`` counts them all.
"repoGetCombinedStatusByRef" (``/api/v1/repos/<owner>/<name>/commits/<branch>/status``) holds what Forgejo Actions and
other programs report about the newest commit: ``{"sha": "…", "state": "success", "statuses": [{"id": 4, "status":
"success", "context": "test / unit (push)", "target_url": "/<owner>/<name>/actions/runs/3", "updated_at": "…"}]}``, with
null for an empty list. "issueSearchIssues" (``/api/v1/repos/issues/search?owner=…&type=issues``, or ``type=pulls``)
lists those of all public repositories of a person or an organisation; each names its ``repository``. A pull request has
its draft state in ``pull_request`` there.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

from hubs.clients.forges.checks import Check, Checks, checked, state_of
from hubs.clients.forges.github import Item
from hubs.clients.forges.tickets import EVER, PAGE, Tickets, labelled, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Moment, Response, Shape, Text, link
from hubs.parameters.addresses import TypedAddress


class _Status(Shape):
    id: int
    context: Text = ""
    status: Text = ""
    #: A path for Forgejo's own actions.
    target_url: Text = ""
    created_at: Moment = EVER
    updated_at: Moment | None = None


class _Combined(Shape):
    sha: Text = ""
    statuses: Records[_Status]


class Forgejo:
    """A client of Forgejo servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._own = http, Service("Forgejo", base, token, "token")

    def issues(self, project: str, owner: str = "", label: str = "") -> Tickets:
        """Return the open issues of ``host/owner/name``, or of all repositories of a person or an organisation.

        ``owner`` names the hub whose people typed it. With ``label``, only issues that have it are returned.

        :raises UpstreamMissing: when there is no such repository, or its issues are disabled.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        more = {"labels": label} if label else {}
        return labelled(self._list(project, owner, "issues", type="issues", **more), label)

    def pulls(self, project: str, owner: str = "") -> Tickets:
        """Return the open pull requests of a repository; raises as `issues`."""
        return self._list(project, owner, "pulls", sort="recentupdate", type="pulls")

    def checks(self, project: str, branch: str, owner: str = "") -> Checks:
        """Return the checks of the newest commit of a branch of ``host/owner/name``; raises as `issues`."""
        host, _slash, path = project.partition("/")
        response = self._get(host, owner, ("repos", *path.split("/"), "commits", branch, "status"))
        combined: _Combined = response.read_as(_Combined)
        server = self._own.base if self._is_own(host) else f"https://{host}"
        return checked(combined.sha, (_check(status, server) for status in combined.statuses))

    def _is_own(self, host: str) -> bool:
        return urlsplit(self._own.base).netloc == host

    def _get(self, host: str, owner: str, parts: Sequence[str], /, **params: Any) -> Response:
        if self._is_own(host):
            return self._http.get(self._own.url("api", "v1", *parts, **params), self._own, limit=LARGE)
        # a host name that a person typed may lead anywhere
        typed = TypedAddress(f"https://{host}", owner)
        return self._http.get(typed.below("api", "v1", *parts, **params))

    def _list(self, project: str, owner: str, kind: str, **params: str) -> Tickets:
        host, _slash, path = project.partition("/")
        is_repository = "/" in path
        parts = ("repos", *((*path.split("/"), kind) if is_repository else ("issues", "search")))
        params |= {} if is_repository else {"owner": path}
        response = self._get(host, owner, parts, state="open", limit=PAGE, **params)
        items: list[Item] = response.read_as(Records[Item])
        name = path if is_repository else ""
        tickets = [item.ticket(name) for item in items if kind == "pulls" or item.pull_request is None]
        return listed(tickets, _total(response), len(items) >= PAGE and _total(response) is None)


def _check(status: _Status, server: str) -> Check:
    url = link(urljoin(f"{server}/", status.target_url)) if status.target_url else ""
    when = status.updated_at or status.created_at
    return Check(status.context or str(status.id), state_of(status.status), url, when)


def _total(response: Response) -> int | None:
    text = response.headers.get("x-total-count", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
