"""Pagure, GitHub and Forgejo, against servers with their response formats."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from hubs.clients.forges.forgejo import Forgejo
from hubs.clients.forges.github import GitHub
from hubs.clients.forges.gitlab import GitLab
from hubs.clients.forges.pagure import Pagure
from hubs.clients.forges.tickets import PAGE, Tickets
from hubs.clients.http.client import HTTP
from hubs.clients.http.response import LARGE
from hubs.demo.services.contract import answer, record
from hubs.errors import UpstreamError, UpstreamForbidden, UpstreamMissing, UpstreamUnexpected
from tests.upstream import Reply, Upstream

TOKEN = SecretStr("s3cret")
NONE = SecretStr("")


def pagure_ticket(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "title": f"Ticket {number}",
        "status": "Open",
        "private": False,
        "user": {"name": "rana", "fullname": "Rana", "url_path": "user/rana"},
        "assignee": None,
        "date_created": "1427442217",
        "last_updated": str(1427442217 + number),
        "comments": [],
        "tags": [],
        **more,
    }


def item(number: int, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Item {number}",
        "html_url": f"https://github.example/harbour/boat/issues/{number}",
        "state": "open",
        "user": {"login": "rana", "id": 1},
        "assignee": None,
        "assignees": [],
        "updated_at": f"2026-03-{number:02d}T16:00:00Z",
        "repository_url": "https://api.github.example/repos/harbour/boat",
        **more,
    }


def numbers(tickets: Tickets) -> list[str]:
    return [ticket.number for ticket in tickets.items]


def test_pagure_lists_the_issues_of_a_project_last_changed_first(upstream: Upstream, http: HTTP) -> None:
    assigned = pagure_ticket(9, assignee={"name": "bo"}, full_url="https://pagure.example/rpms/boat/issue/9")
    body = {"issues": [pagure_ticket(4), assigned, pagure_ticket(5, private=True)], "total_issues": 70}
    upstream.on("/api/0/rpms/boat/issues", body)
    tickets = Pagure(http, upstream.url, TOKEN).issues("rpms/boat")
    assert (numbers(tickets), tickets.total) == (["9", "4"], 70)
    assert (tickets.items[0].assignees, tickets.items[0].url) == (("bo",), "https://pagure.example/rpms/boat/issue/9")
    assert (tickets.items[1].author, tickets.items[1].url) == ("rana", f"{upstream.url}/rpms/boat/issue/4")
    assert upstream.asked[0].params["status"] == ["Open"]
    assert upstream.asked[0].headers["authorization"] == "token s3cret"


def test_pagure_lists_pull_requests_and_those_of_a_person(upstream: Upstream, http: HTTP) -> None:
    project = {"project": {"name": "boat", "fullname": "rpms/boat"}}
    upstream.on("/api/0/boat/pull-requests", {"requests": [pagure_ticket(2)], "total_requests": 1})
    upstream.on("/api/0/user/rana/requests/filed", {"requests": [pagure_ticket(3, **project)]})
    theirs = pagure_ticket(4, user={"name": "bo"}, **project)
    upstream.on("/api/0/user/rana/requests/actionable", {"requests": [theirs, pagure_ticket(3, **project)]})
    client = Pagure(http, upstream.url, NONE)
    assert numbers(client.pulls("boat")) == ["2"]
    tickets = client.pulls_of("rana")
    assert [(ticket.number, ticket.project, ticket.reviewers) for ticket in tickets.items] == [
        ("4", "rpms/boat", ("rana",)),
        ("3", "rpms/boat", ()),
    ]
    assert tickets.items[1].url == f"{upstream.url}/rpms/boat/pull-request/3"


def test_pagure_lists_the_issues_of_a_person_once_each(upstream: Upstream, http: HTTP) -> None:
    ticket = pagure_ticket(3, project={"name": "boat"})
    upstream.on("/api/0/user/rana/issues", {"issues_assigned": [ticket], "issues_created": [ticket, pagure_ticket(5)]})
    tickets = Pagure(http, upstream.url, NONE).issues_of("rana")
    assert (numbers(tickets), tickets.total) == (["5", "3"], 2)


@pytest.mark.parametrize("project", ["boat", "rpms/boat", "forks/ada/boat", "python3.11"])
def test_a_project_on_our_own_pagure_may_name_its_server(upstream: Upstream, http: HTTP, project: str) -> None:
    upstream.on(f"/api/0/{project}/issues", {"issues": [pagure_ticket(4)], "total_issues": 1})
    client = Pagure(http, upstream.url, TOKEN)
    host = upstream.url.removeprefix("http://")
    for name in (project, f"{host}/{project}"):
        (ticket,) = client.issues(name).items
        assert (ticket.project, ticket.url) == (project, f"{upstream.url}/{project}/issue/4")
    assert [request.headers["authorization"] for request in upstream.asked] == ["token s3cret"] * 2


def test_another_pagure_must_be_public_and_does_not_get_our_token(upstream: Upstream, http: HTTP) -> None:
    client = Pagure(http, "https://pagure.example", TOKEN)
    for host in ("127.0.0.1", f"localhost:{upstream.port}", "169.254.169.254", "10.0.0.1"):
        for ask in (client.issues, client.pulls):
            with pytest.raises(UpstreamForbidden):
                ask(f"{host}/rpms/boat", owner="hub:1")
    assert upstream.asked == []


def test_github_lists_issues_without_the_pull_requests_among_them(upstream: Upstream, http: HTTP) -> None:
    pull = item(4, pull_request={"url": "https://api.github.example/x"})
    upstream.on("/repos/harbour/boat/issues", [item(3, assignees=[{"login": "bo"}]), pull, item(2, user=None)])
    tickets = GitHub(http, upstream.url, TOKEN).issues("harbour/boat")
    assert (numbers(tickets), tickets.least) == (["3", "2"], False)
    assert [ticket.author for ticket in tickets.items] == ["rana", ""]
    assert tickets.items[0].assignees == ("bo",)
    assert upstream.asked[0].headers["authorization"] == "Bearer s3cret"


def test_github_reports_that_there_may_be_more(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/repos/harbour/boat/pulls", [item(1, draft=True) | {"number": n} for n in range(PAGE)])
    tickets = GitHub(http, upstream.url, NONE).pulls("harbour/boat")
    assert (tickets.total, tickets.least, tickets.items[0].draft) == (PAGE, True, True)


def test_github_searches_the_tickets_of_a_person(upstream: Upstream, http: HTTP) -> None:
    def reply(request: Any) -> Reply:
        author = "author:" in request.params["q"][0] or "involves:" in request.params["q"][0]
        items = [item(3)] if author else [item(3), item(5, user={"login": "bo"})]
        return Reply({"total_count": len(items), "incomplete_results": False, "items": items})

    upstream.on("/search/issues", reply)
    client = GitHub(http, upstream.url, NONE)
    assert numbers(client.issues_of("rana")) == ["3"]
    pulls = client.pulls_of("rana").items
    assert [(ticket.number, ticket.project, ticket.reviewers) for ticket in pulls] == [
        ("5", "harbour/boat", ("rana",)),
        ("3", "harbour/boat", ()),
    ]
    assert upstream.asked[0].params["q"] == ["is:open is:issue is:public involves:rana"]


@pytest.mark.parametrize("login", ["", "rana is:private", "-x", "a" * 60, "rana\nx"])
def test_an_invalid_login_is_not_searched_for(upstream: Upstream, http: HTTP, login: str) -> None:
    with pytest.raises(UpstreamMissing):
        GitHub(http, upstream.url, TOKEN).issues_of(login)
    assert upstream.asked == []


def test_our_own_forgejo_gets_our_token_and_reports_the_total(upstream: Upstream, http: HTTP) -> None:
    path = "/api/v1/repos/harbour/boat"
    upstream.on(f"{path}/issues", [item(3)], headers={"X-Total-Count": "77"})
    upstream.on(f"{path}/pulls", [item(2, requested_reviewers=[{"login": "bo"}, None]), item(1, assignees=None)])
    client = Forgejo(http, upstream.url, TOKEN)
    host = upstream.url.removeprefix("http://")
    tickets = client.issues(f"{host}/harbour/boat")
    assert (numbers(tickets), tickets.total, tickets.items[0].project) == (["3"], 77, "harbour/boat")
    assert client.pulls(f"{host}/harbour/boat").items[0].reviewers == ("bo",)
    assert upstream.asked[0].headers["authorization"] == "token s3cret"
    assert upstream.asked[0].params["type"] == ["issues"]


def test_a_forgejo_that_a_person_named_must_be_public(upstream: Upstream, http: HTTP) -> None:
    client = Forgejo(http, "https://forge.example", TOKEN)
    for host in ("127.0.0.1", f"localhost:{upstream.port}", "[::1]", "169.254.169.254", "10.0.0.1"):
        with pytest.raises(UpstreamForbidden):
            client.issues(f"{host}/harbour/boat")
    assert upstream.asked == []


def test_our_own_gitlab_gets_our_token_and_shows_no_confidential_issues(upstream: Upstream, http: HTTP) -> None:
    project = "/api/v4/projects/harbour%2Fboat"
    issues = [record("gitlab", "issues", iid=3), record("gitlab", "issues", iid=4, confidential=True)]
    upstream.on(f"{project}/issues", issues, headers={"X-Total": "77"})
    upstream.on(f"{project}/merge_requests", answer("gitlab", "merge-requests"))
    client, host = GitLab(http, upstream.url, TOKEN), upstream.url.removeprefix("http://")
    tickets = client.issues(f"{host}/harbour/boat")
    assert (numbers(tickets), tickets.total, tickets.items[0].project) == (["3"], 77, "harbour/boat")
    draft, waiting = client.pulls(f"{host}/harbour/boat").items
    assert (draft.draft, waiting.draft, waiting.reviewers) == (True, False, ("kofi",))
    assert upstream.asked[0].headers["authorization"] == "Bearer s3cret"
    assert upstream.asked[0].params["state"] == ["opened"]


def test_a_path_on_gitlab_that_is_no_project_is_a_nested_group(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/api/v4/groups/harbour%2Fboats/issues", answer("gitlab", "issues"))
    client, host = GitLab(http, upstream.url, NONE), upstream.url.removeprefix("http://")
    assert {ticket.project for ticket in client.issues(f"{host}/harbour/boats").items} == {"harbour/boat"}
    with pytest.raises(UpstreamMissing):
        client.issues(f"{host}/harbour/nothing")


def test_a_gitlab_that_a_person_named_must_be_public_and_gets_no_token(upstream: Upstream, http: HTTP) -> None:
    client = GitLab(http, "https://gitlab.example", TOKEN)
    for host in ("127.0.0.1", f"localhost:{upstream.port}", "[::1]", "169.254.169.254", "10.0.0.1"):
        with pytest.raises(UpstreamForbidden):
            client.issues(f"{host}/harbour/boat")
    assert upstream.asked == []


Call = Callable[[Upstream, HTTP], object]
CALLS: list[Call] = [
    lambda up, http: Pagure(http, up.url, NONE).issues("boat"),
    lambda up, http: Pagure(http, up.url, NONE).pulls("boat"),
    lambda up, http: Pagure(http, up.url, NONE).issues_of("rana"),
    lambda up, http: Pagure(http, up.url, NONE).pulls_of("rana"),
    lambda up, http: GitHub(http, up.url, NONE).issues("a/b"),
    lambda up, http: GitLab(http, up.url, NONE).issues(up.url.removeprefix("http://") + "/a/b"),
    lambda up, http: GitHub(http, up.url, NONE).issues_of("rana"),
    lambda up, http: GitHub(http, up.url, NONE).pulls_of("rana"),
    lambda up, http: Forgejo(http, up.url, NONE).issues(up.url.removeprefix("http://") + "/a/b"),
]
PATHS = (
    "/api/v4/projects/a%2Fb/issues",
    "/api/0/boat/issues",
    "/api/0/boat/pull-requests",
    "/api/0/user/rana/issues",
    "/api/0/user/rana/requests/filed",
    "/repos/a/b/issues",
    "/search/issues",
    "/api/v1/repos/a/b/issues",
)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "body", ["<html>", 7, [1], {"issues": 1}, {"items": [{}], "total_count": 1}, [{"number": "x"}]]
)
def test_an_unexpected_response_is_a_clear_error(upstream: Upstream, http: HTTP, call: Call, body: Any) -> None:
    for path in PATHS:
        upstream.on(path, body)
    with pytest.raises(UpstreamUnexpected):
        call(upstream, http)


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_project_or_person_is_a_clear_error(upstream: Upstream, http: HTTP, call: Call) -> None:
    with pytest.raises(UpstreamMissing):
        call(upstream, http)


def test_unsafe_links_and_long_titles_are_cleaned(upstream: Upstream, http: HTTP) -> None:
    evil = item(1, html_url="javascript:alert(1)", title="<script>" + "x" * 9000 + "\u202e\n")
    upstream.on("/repos/a/b/issues", [evil])
    ticket = GitHub(http, upstream.url, NONE).issues("a/b").items[0]
    assert ticket.url == ""
    assert len(ticket.title) == 500
    assert "\n" not in ticket.title


def test_a_response_beyond_the_limit_is_refused(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/repos/a/b/issues", [item(1, body="x" * LARGE)])
    with pytest.raises(UpstreamError, match="larger than"):
        GitHub(http, upstream.url, NONE).issues("a/b")


def test_forgejo_lists_the_tickets_of_all_repositories_of_an_owner(upstream: Upstream, http: HTTP) -> None:
    repository = {"id": 5, "name": "boat", "owner": "harbour", "full_name": "harbour/boat"}
    draft = item(4, repository=repository, pull_request={"merged": False, "draft": True})
    upstream.on("/api/v1/repos/issues/search", [item(3, repository=repository)])
    client, host = Forgejo(http, upstream.url, NONE), upstream.url.removeprefix("http://")
    assert [(ticket.project, ticket.number) for ticket in client.issues(f"{host}/harbour").items] == [
        ("harbour/boat", "3")
    ]
    upstream.on("/api/v1/repos/issues/search", [draft])
    assert [(ticket.number, ticket.draft) for ticket in client.pulls(f"{host}/harbour").items] == [("4", True)]
    assert [(asked.params["owner"], asked.params["type"]) for asked in upstream.asked] == [
        (["harbour"], ["issues"]),
        (["harbour"], ["pulls"]),
    ]
