"""Koji and Copr, against servers with their response formats."""

import xmlrpc.client
from datetime import UTC, datetime
from typing import Any

import pytest

from hubs.clients.copr import Copr
from hubs.clients.http.client import HTTP
from hubs.clients.koji import Koji
from hubs.errors import UpstreamMissing, UpstreamUnexpected, UpstreamUnreachable
from tests.upstream import Reply, Upstream


def koji_build(number: int, **more: Any) -> dict[str, Any]:
    return {
        "build_id": number,
        "name": "boat",
        "version": "1.51",
        "release": "1.fc44",
        "nvr": "boat-1.51-1.fc44",
        "state": 1,
        "owner_name": "rana",
        "creation_ts": 1424787586.1,
        "completion_ts": 1424787999.0,
        "volume_name": "DEFAULT",
        **more,
    }


def set_koji(upstream: Upstream, value: Any) -> None:
    upstream.on("/kojihub", xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True))


def copr_build(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "state": "succeeded",
        "ownername": "rana",
        "projectname": "tides",
        "submitter": "rana",
        "source_package": {"name": "boat", "version": "1.5-1", "url": "https://copr.example/x.src.rpm"},
        "chroots": ["fedora-44-x86_64"],
        "submitted_on": 1_700_000_000 + number,
        "ended_on": None,
        **more,
    }


def set_copr(upstream: Upstream, *builds: Any) -> None:
    upstream.on("/api_3/project/list", {"items": [{"name": "tides", "ownername": "rana"}], "meta": {}})
    upstream.on("/api_3/build/list", {"items": list(builds), "meta": {}})


def test_koji_lists_the_builds_of_a_person_or_a_package(upstream: Upstream, http: HTTP) -> None:
    set_koji(upstream, [koji_build(7), koji_build(6, state=3, completion_ts=None)])
    client = Koji(http, upstream.url)
    builds = client.of_person("rana", 20)
    assert [(build.number, build.name, build.state, build.owner) for build in builds] == [
        (7, "boat-1.51-1.fc44", 1, "rana"),
        (6, "boat-1.51-1.fc44", 3, "rana"),
    ]
    assert builds[0].when == datetime.fromtimestamp(1424787999, UTC)
    assert builds[0].url == f"{upstream.url}/koji/buildinfo?buildID=7"
    client.of_package("boat<&", 5)
    calls = [xmlrpc.client.loads(request.body) for request in upstream.asked]
    options = {"limit": 20, "order": "-build_id"}
    assert calls[0] == (({"userID": "rana", "queryOpts": options, "__starstar": True},), "listBuilds")
    assert calls[1][0][0]["packageID"] == "boat<&"


@pytest.mark.parametrize(
    "body",
    [
        "<html>maintenance</html>",
        "{}",
        "",
        f'<!DOCTYPE x [<!ENTITY a "aaaa">]>{xmlrpc.client.dumps(([],), methodresponse=True)}',
        xmlrpc.client.dumps(xmlrpc.client.Fault(1000, "no such user"), methodresponse=True),
        xmlrpc.client.dumps(([{"build_id": "x"}],), methodresponse=True),
        xmlrpc.client.dumps(("text",), methodresponse=True),
    ],
)
def test_an_unexpected_response_of_koji_is_a_clear_error(upstream: Upstream, http: HTTP, body: str) -> None:
    upstream.on("/kojihub", body)
    with pytest.raises(UpstreamUnexpected, match="Koji"):
        Koji(http, upstream.url).of_person("rana", 20)


def test_an_unavailable_koji_is_a_clear_error(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/kojihub", Reply("", 503))
    with pytest.raises(UpstreamUnreachable, match="Koji"):
        Koji(http, upstream.url).of_person("rana", 20)


def test_copr_lists_the_builds_of_a_persons_projects(upstream: Upstream, http: HTTP) -> None:
    nameless = copr_build(9, state="importing", source_package={"name": None, "version": None, "url": None})
    set_copr(upstream, copr_build(7), nameless)
    builds = Copr(http, upstream.url).of_person("rana", 20)
    assert [(build.number, build.name, build.state) for build in builds] == [
        (9, "tides", "importing"),
        (7, "boat-1.5-1", "succeeded"),
    ]
    assert builds[0].url == f"{upstream.url}/coprs/build/9"
    assert upstream.asked[1].params["projectname"] == ["tides"]


@pytest.mark.parametrize("body", ["<html>", [], {"items": 1}, {"items": [{"id": "x"}]}])
def test_an_unexpected_response_of_copr_is_a_clear_error(upstream: Upstream, http: HTTP, body: Any) -> None:
    set_copr(upstream)
    upstream.on("/api_3/build/list", body)
    with pytest.raises(UpstreamUnexpected, match="Copr"):
        Copr(http, upstream.url).of_person("rana", 20)


def test_a_person_unknown_to_copr_is_missing(upstream: Upstream, http: HTTP) -> None:
    with pytest.raises(UpstreamMissing):
        Copr(http, upstream.url).of_person("nobody", 20)
