"""Bugzilla, against a server with its response format."""

from typing import Any

import pytest
from pydantic import SecretStr

from hubs.clients.bugzilla import ROWS, Bugzilla
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamUnexpected
from tests.upstream import Upstream


def bug(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "summary": f"Review Request: otter{number} - A tool that swims",
        "status": "NEW",
        "resolution": "",
        "component": ["Package Review"],
        "creator": "rana@example.org",
        "assigned_to": "nobody@fedoraproject.org",
        "creation_time": "2026-11-01T10:00:00Z",
        "last_change_time": f"2026-11-{number:02d}T10:00:00Z",
        "flags": [],
        **more,
    }


def client(upstream: Upstream, http: HTTP) -> Bugzilla:
    return Bugzilla(http, upstream.url, SecretStr("a-key"), "Fedora")


def test_open_reviews_of_a_person_are_listed_last_changed_first(upstream: Upstream, http: HTTP) -> None:
    flags = [{"id": 1, "name": "fedora-review", "status": "?", "setter": "kofi@example.org"}]
    upstream.on("/rest/bug", {"bugs": [bug(3), bug(9, flags=flags, assigned_to="kofi@example.org"), bug(5)]})
    bugs = client(upstream, http).reviews("rana+1@example.org")
    assert [bug.id for bug in bugs] == [9, 5, 3]
    assert bugs[0].url == f"{upstream.url}/show_bug.cgi?id=9"
    assert (bugs[0].review, bugs[1].review) == ("?", "")
    assert (bugs[0].assignee, bugs[1].assignee) == ("kofi@example.org", "")
    request = upstream.asked[0]
    assert request.params["creator"] == ["rana+1@example.org"]
    assert request.params["component"] == ["Package Review"]
    assert request.params["resolution"] == ["---"]
    assert request.headers["authorization"] == "Bearer a-key"


def test_bugs_restricted_to_groups_are_left_out(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/rest/bug", {"bugs": [bug(3, groups=["fedora_contrib_private"]), bug(9, groups=[])]})
    assert [bug.id for bug in client(upstream, http).reviews("rana@example.org")] == [9]
    assert [ticket.number for ticket in client(upstream, http).issues("Fedora/otter").items] == ["9"]
    assert "groups" in upstream.asked[0].params["include_fields"][0].split(",")


@pytest.mark.parametrize(
    "body",
    [
        {"error": True, "code": 101, "message": "no"},
        {"bugs": [bug(1, id="x")]},
        {"bugs": [{"summary": "x"}]},
    ],
)
def test_an_unexpected_response_is_a_clear_error(upstream: Upstream, http: HTTP, body: Any) -> None:
    upstream.on("/rest/bug", body)
    with pytest.raises(UpstreamUnexpected, match="Bugzilla"):
        client(upstream, http).reviews("rana@example.org")


def test_more_bugs_than_requested_are_cut(upstream: Upstream, http: HTTP) -> None:
    small = {name: bug(1)[name] for name in ("id", "summary", "creation_time", "last_change_time")}
    upstream.on("/rest/bug", {"bugs": [small] * (ROWS + 1)})
    assert len(client(upstream, http).reviews("rana@example.org")) == ROWS


@pytest.mark.parametrize("address", ["nobody@fedoraproject.org", "nobody@redhat.example", "nobody", "Nobody@x.example"])
def test_nobody_is_no_person_whatever_the_status(upstream: Upstream, http: HTTP, address: str) -> None:
    upstream.on("/rest/bug", {"bugs": [bug(3, status="ASSIGNED", assigned_to=address)]})
    assert client(upstream, http).reviews("rana@example.org")[0].assignee == ""
    assert client(upstream, http).issues("Fedora/otter").items[0].assignees == ()


def test_shortened_addresses_are_completed_where_the_whole_one_was_searched_for(upstream: Upstream, http: HTTP) -> None:
    bugs = [bug(3, creator="rana", assigned_to="kofi"), bug(4, creator="kofi", assigned_to="rana", status="ASSIGNED")]
    upstream.on("/rest/bug", {"bugs": bugs})
    tickets = {ticket.number: ticket for ticket in client(upstream, http).issues_of("rana@example.org").items}
    assert tickets["3"].author == "rana@example.org"
    assert (tickets["4"].author, tickets["4"].assignees) == ("kofi", ("rana@example.org",))
    # A search for a product says nothing about who "rana" is.
    assert client(upstream, http).issues("Fedora/otter").items[0].assignees == ("rana",)


def test_new_bugs_are_unassigned_tickets(upstream: Upstream, http: HTTP) -> None:
    taken = bug(9, status="ASSIGNED", assigned_to="kofi@example.org")
    upstream.on("/rest/bug", {"bugs": [bug(3, assigned_to="owner@example.org"), taken]})
    tickets = client(upstream, http).issues("Fedora/otter")
    assert [(ticket.number, ticket.assignees) for ticket in tickets.items] == [("9", ("kofi@example.org",)), ("3", ())]
    assert (tickets.total, tickets.least, tickets.items[0].project) == (2, False, "Fedora/otter")
    assert upstream.asked[0].params["component"] == ["otter"]
    assert client(upstream, http).issues_of("rana@example.org").total == 2
    assert [set(request.params) & {"creator", "assigned_to"} for request in upstream.asked[1:]] == [
        {"assigned_to"},
        {"creator"},
    ]
