"""Forgejo: issues and pull requests of repositories on any server.

API: https://codeberg.org/api/swagger (every server has this page), operations "issueListIssues"
(``/api/v1/repos/<owner>/<name>/issues?type=issues&state=open``) and "repoListPullRequests" (``…/pulls?state=open``): a
list of items in GitHub's format, see `hubs.clients.forges.github`; the header ``X-Total-Count`` counts them all.
"issueSearchIssues" (``/api/v1/repos/issues/search?owner=…&type=issues``, or ``type=pulls``) lists those of all public
repositories of a person or an organisation; each names its ``repository``. A pull request has its draft state in
``pull_request`` there.
"""

from urllib.parse import urlsplit

from pydantic import SecretStr

from hubs.clients.forges.github import Item
from hubs.clients.forges.tickets import PAGE, Tickets, listed
from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.records import Records
from hubs.clients.http.response import LARGE, Response
from hubs.parameters.addresses import TypedAddress


class Forgejo:
    """A client of Forgejo servers: the one of the settings, and others that people name."""

    def __init__(self, http: HTTP, base: str, token: SecretStr) -> None:
        self._http, self._own = http, Service("Forgejo", base, token, "token")

    def issues(self, project: str, owner: str = "") -> Tickets:
        """Return the open issues of ``host/owner/name``, or of all repositories of a person or an organisation.

        ``owner`` names the hub whose people typed it.

        :raises UpstreamMissing: when there is no such repository, or its issues are disabled.
        :raises UpstreamForbidden: when the host is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        return self._list(project, owner, "issues", type="issues")

    def pulls(self, project: str, owner: str = "") -> Tickets:
        """Return the open pull requests of a repository; raises as `issues`."""
        return self._list(project, owner, "pulls", sort="recentupdate", type="pulls")

    def _list(self, project: str, owner: str, kind: str, **params: str) -> Tickets:
        host, _slash, path = project.partition("/")
        is_repository = "/" in path
        parts = ("api", "v1", "repos", *((*path.split("/"), kind) if is_repository else ("issues", "search")))
        params |= {} if is_repository else {"owner": path}
        if urlsplit(self._own.base).netloc == host:
            address = self._own.url(*parts, state="open", limit=PAGE, **params)
            response = self._http.get(address, self._own, limit=LARGE)
        else:  # a host name that a person typed may lead anywhere
            typed = TypedAddress(f"https://{host}", owner)
            response = self._http.get(typed.below(*parts, state="open", limit=PAGE, **params))
        items: list[Item] = response.read_as(Records[Item])
        name = path if is_repository else ""
        tickets = [item.ticket(name) for item in items if kind == "pulls" or item.pull_request is None]
        return listed(tickets, _total(response), len(items) >= PAGE and _total(response) is None)


def _total(response: Response) -> int | None:
    text = response.headers.get("x-total-count", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
