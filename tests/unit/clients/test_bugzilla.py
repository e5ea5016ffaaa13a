"""Bugzilla, against a server that answers in its shape."""

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
    return Bugzilla(http, upstream.url, SecretStr("a-key"))


def test_open_reviews_of_a_person_come_last_changed_first(upstream: Upstream, http: HTTP) -> None:
    flags = [{"id": 1, "name": "fedora-review", "status": "?", "setter": "kofi@example.org"}]
    upstream.on("/rest/bug", {"bugs": [bug(3), bug(9, flags=flags, assigned_to="kofi@example.org"), bug(5)]})
    found = client(upstream, http).reviews("rana+1@example.org")
    assert [one.id for one in found] == [9, 5, 3]
    assert found[0].url == f"{upstream.url}/show_bug.cgi?id=9"
    assert (found[0].flag("fedora-review"), found[1].flag("fedora-review")) == ("?", "")
    assert (found[0].assignee, found[1].assignee) == ("kofi@example.org", "")
    asked = upstream.asked[0]
    assert asked.params["creator"] == ["rana+1@example.org"]
    assert asked.params["component"] == ["Package Review"]
    assert asked.params["resolution"] == ["---"]
    assert asked.headers["authorization"] == "Bearer a-key"


def test_what_only_our_key_may_see_is_shown_to_nobody(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/rest/bug", {"bugs": [bug(3, groups=["fedora_contrib_private"]), bug(9, groups=[])]})
    assert [one.id for one in client(upstream, http).reviews("rana@example.org")] == [9]
    assert [one.number for one in client(upstream, http).issues("Fedora/otter").items] == ["9"]
    assert "groups" in upstream.asked[0].params["include_fields"][0].split(",")


@pytest.mark.parametrize(
    "body",
    [
        {"error": True, "code": 101, "message": "no"},
        {"bugs": [bug(1, id="x")]},
        {"bugs": [bug(1, last_change_time=None)]},
        {"bugs": [bug(1, flags=[{"name": "x", "status": "?"}] * 101)]},
        {"bugs": [{"id": 1}]},
    ],
)
def test_another_shape_is_a_clear_error(upstream: Upstream, http: HTTP, body: Any) -> None:
    upstream.on("/rest/bug", body)
    with pytest.raises(UpstreamUnexpected, match="Bugzilla"):
        client(upstream, http).reviews("rana@example.org")


def test_more_bugs_than_asked_for_are_an_error(upstream: Upstream, http: HTTP) -> None:
    small = {name: bug(1)[name] for name in ("id", "summary", "creation_time", "last_change_time")}
    upstream.on("/rest/bug", {"bugs": [small] * (ROWS + 1)})
    with pytest.raises(UpstreamUnexpected):
        client(upstream, http).reviews("rana@example.org")


def test_bugs_are_tickets_that_nobody_took_while_they_are_new(upstream: Upstream, http: HTTP) -> None:
    taken = bug(9, status="ASSIGNED", assigned_to="kofi@example.org")
    upstream.on("/rest/bug", {"bugs": [bug(3, assigned_to="owner@example.org"), taken]})
    found = client(upstream, http).issues("Fedora/otter")
    assert [(one.number, one.assignees) for one in found.items] == [("9", ("kofi@example.org",)), ("3", ())]
    assert (found.total, found.least, found.items[0].project) == (2, False, "Fedora/otter")
    assert upstream.asked[0].params["component"] == ["otter"]
    assert client(upstream, http).issues_of("rana@example.org").total == 2
    assert [set(one.params) & {"creator", "assigned_to"} for one in upstream.asked[1:]] == [
        {"assigned_to"},
        {"creator"},
    ]
