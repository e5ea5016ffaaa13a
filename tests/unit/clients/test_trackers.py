"""Pagure, GitHub and Forgejo, against servers that answer in their shapes."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from hubs.clients.forges.forgejo import Forgejo
from hubs.clients.forges.github import GitHub
from hubs.clients.forges.pagure import Pagure
from hubs.clients.forges.tickets import PAGE, Tickets
from hubs.clients.http.client import HTTP
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


def numbers(found: Tickets) -> list[str]:
    return [ticket.number for ticket in found.items]


def test_pagure_lists_the_issues_of_a_project_last_changed_first(upstream: Upstream, http: HTTP) -> None:
    assigned = pagure_ticket(9, assignee={"name": "bo"}, full_url="https://pagure.example/rpms/boat/issue/9")
    body = {"issues": [pagure_ticket(4), assigned, pagure_ticket(5, private=True)], "total_issues": 70}
    upstream.on("/api/0/rpms/boat/issues", body)
    found = Pagure(http, upstream.url, TOKEN).issues("rpms/boat")
    assert (numbers(found), found.total) == (["9", "4"], 70)
    assert (found.items[0].assignees, found.items[0].url) == (("bo",), "https://pagure.example/rpms/boat/issue/9")
    assert (found.items[1].author, found.items[1].url) == ("rana", f"{upstream.url}/rpms/boat/issue/4")
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
    found = client.pulls_of("rana")
    assert [(one.number, one.project, one.reviewers) for one in found.items] == [
        ("4", "rpms/boat", ("rana",)),
        ("3", "rpms/boat", ()),
    ]
    assert found.items[1].url == f"{upstream.url}/rpms/boat/pull-request/3"


def test_pagure_lists_the_issues_of_a_person_each_once(upstream: Upstream, http: HTTP) -> None:
    one = pagure_ticket(3, project={"name": "boat"})
    upstream.on("/api/0/user/rana/issues", {"issues_assigned": [one], "issues_created": [one, pagure_ticket(5)]})
    found = Pagure(http, upstream.url, NONE).issues_of("rana")
    assert (numbers(found), found.total) == (["5", "3"], 2)


def test_github_lists_issues_without_the_pull_requests_among_them(upstream: Upstream, http: HTTP) -> None:
    pull = item(4, pull_request={"url": "https://api.github.example/x"})
    upstream.on("/repos/harbour/boat/issues", [item(3, assignees=[{"login": "bo"}]), pull, item(2, user=None)])
    found = GitHub(http, upstream.url, TOKEN).issues("harbour/boat")
    assert (numbers(found), found.least) == (["3", "2"], False)
    assert [one.author for one in found.items] == ["rana", ""]
    assert found.items[0].assignees == ("bo",)
    assert upstream.asked[0].headers["authorization"] == "Bearer s3cret"


def test_github_tells_when_there_may_be_more(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/repos/harbour/boat/pulls", [item(1, draft=True) | {"number": n} for n in range(PAGE)])
    found = GitHub(http, upstream.url, NONE).pulls("harbour/boat")
    assert (found.total, found.least, found.items[0].draft) == (PAGE, True, True)


def test_github_searches_what_concerns_a_person(upstream: Upstream, http: HTTP) -> None:
    def answer(asked: Any) -> Reply:
        author = "author:" in asked.params["q"][0] or "involves:" in asked.params["q"][0]
        found = [item(3)] if author else [item(3), item(5, user={"login": "bo"})]
        return Reply({"total_count": len(found), "incomplete_results": False, "items": found})

    upstream.on("/search/issues", answer)
    client = GitHub(http, upstream.url, NONE)
    assert numbers(client.issues_of("rana")) == ["3"]
    pulls = client.pulls_of("rana").items
    assert [(one.number, one.project, one.reviewers) for one in pulls] == [
        ("5", "harbour/boat", ("rana",)),
        ("3", "harbour/boat", ()),
    ]
    assert upstream.asked[0].params["q"] == ["is:open is:issue is:public involves:rana"]


@pytest.mark.parametrize("login", ["", "rana is:private", "-x", "a" * 60, "rana\nx"])
def test_what_is_no_login_is_not_searched_for(upstream: Upstream, http: HTTP, login: str) -> None:
    with pytest.raises(UpstreamMissing):
        GitHub(http, upstream.url, TOKEN).issues_of(login)
    assert upstream.asked == []


def test_our_own_forgejo_gets_our_token_and_counts_for_us(upstream: Upstream, http: HTTP) -> None:
    path = "/api/v1/repos/harbour/boat"
    upstream.on(f"{path}/issues", [item(3)], headers={"X-Total-Count": "77"})
    upstream.on(f"{path}/pulls", [item(2, requested_reviewers=[{"login": "bo"}, None]), item(1, assignees=None)])
    client = Forgejo(http, upstream.url, TOKEN)
    host = upstream.url.removeprefix("http://")
    found = client.issues(f"{host}/harbour/boat")
    assert (numbers(found), found.total, found.items[0].project) == (["3"], 77, "harbour/boat")
    assert client.pulls(f"{host}/harbour/boat").items[0].reviewers == ("bo",)
    assert upstream.asked[0].headers["authorization"] == "token s3cret"
    assert upstream.asked[0].params["type"] == ["issues"]


def test_a_forgejo_that_somebody_named_must_be_public(upstream: Upstream, http: HTTP) -> None:
    client = Forgejo(http, "https://forge.example", TOKEN)
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
    lambda up, http: GitHub(http, up.url, NONE).issues_of("rana"),
    lambda up, http: GitHub(http, up.url, NONE).pulls_of("rana"),
    lambda up, http: Forgejo(http, up.url, NONE).issues(up.url.removeprefix("http://") + "/a/b"),
]
PATHS = (
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
def test_another_shape_is_a_clear_error(upstream: Upstream, http: HTTP, call: Call, body: Any) -> None:
    for path in PATHS:
        upstream.on(path, body)
    with pytest.raises(UpstreamUnexpected):
        call(upstream, http)


@pytest.mark.parametrize("call", CALLS)
def test_what_there_is_not_is_a_clear_error(upstream: Upstream, http: HTTP, call: Call) -> None:
    with pytest.raises(UpstreamMissing):
        call(upstream, http)


def test_links_that_run_code_and_long_titles_are_tidied(upstream: Upstream, http: HTTP) -> None:
    evil = item(1, html_url="javascript:alert(1)", title="<script>" + "x" * 9000 + "\u202e\n")
    upstream.on("/repos/a/b/issues", [evil])
    found = GitHub(http, upstream.url, NONE).issues("a/b").items[0]
    assert found.url == ""
    assert len(found.title) == 500
    assert "\n" not in found.title


def test_a_giant_list_is_refused(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/repos/a/b/issues", [item(1)] * 1000)
    with pytest.raises(UpstreamError, match="larger than"):
        GitHub(http, upstream.url, NONE).issues("a/b")
