"""The packager dashboard, against a server with its response format."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hubs.clients import packager
from hubs.clients.http.client import HTTP
from hubs.clients.packager import KEPT, PackagerDashboard
from hubs.demo.services.contract import answer
from hubs.errors import UpstreamUnexpected, UpstreamUnreachable
from tests.upstream import Reply, Upstream

PATH = "/api/v2/packager_dashboard"


def documented() -> Any:
    return answer("packager_dashboard", "dashboard")


def data_of(package: str) -> Any:
    return documented()["packages"][package]["data"]


def page(**packages: Any) -> dict[str, Any]:
    return {"status": 200, "packages": {name: {"data": data} for name, data in packages.items()}}


def test_each_kind_is_read_and_the_most_urgent_is_first(upstream: Upstream, http: HTTP) -> None:
    upstream.on(PATH, documented())
    dashboard = PackagerDashboard(http, upstream.url).read(user="rana")
    kinds = ["affected", "build", "install", "urgent", "pull", "override", "update", "bug"]
    assert [item.kind for item in dashboard.items] == kinds
    assert (dashboard.packages, dashboard.total, dashboard.is_complete) == (2, 8, True)
    assert dashboard.page == f"{upstream.url}/dashboard?users=rana"
    affected, build, install, *_ = dashboard.items
    assert (affected.package, affected.detail) == ("kettle", "libwick")
    assert affected.moment == datetime(2026, 11, 5, tzinfo=UTC)
    assert (build.release, build.moment) == ("Fedora Rawhide", datetime(2026, 10, 29, 6, 0, 0, 123456, tzinfo=UTC))
    # it has no page of its own
    assert install.url == f"{upstream.url}/dashboard?packages=kettle"
    assert install.moment
    assert install.moment.day == 1
    assert len({item.key for item in dashboard.items}) == 8


def test_an_orphaned_package_and_missing_dependencies_of_a_build(upstream: Upstream, http: HTTP) -> None:
    kettle = data_of("kettle")
    kettle["orphans"] |= {"orphaned": True}
    kettle["koschei"] = []
    kettle["fails_to_install"][0]["problems"] = {"src": {"reason": ["libwick"], "since": None}, "src-x86_64": None}
    upstream.on(PATH, page(kettle=kettle))
    dashboard = PackagerDashboard(http, upstream.url).read(group="harbour-sig")
    assert [item.kind for item in dashboard.items] == ["orphaned", "build"]
    assert upstream.asked[0].params == {"groups": ["harbour-sig"]}


def test_private_bugs_are_never_listed(upstream: Upstream, http: HTTP) -> None:
    data = data_of("lantern")
    data["bzs"][0]["private"] = True
    upstream.on(PATH, page(lantern={"bzs": data["bzs"]}))
    assert [item.title for item in PackagerDashboard(http, upstream.url).read(user="rana").items] == [
        "lantern-2.1 is available"
    ]


def test_builds_that_succeeded_leave_room_for_what_failed(upstream: Upstream, http: HTTP) -> None:
    good = data_of("kettle")["koschei"][1]
    pull = data_of("lantern")["prs"][0]
    upstream.on(PATH, page(kettle={"koschei": [good] * 3000}, lantern={"prs": [pull] * (KEPT + 1)}))
    dashboard = PackagerDashboard(http, upstream.url).read(user="rana")
    assert {item.kind for item in dashboard.items} == {packager.PULL}
    assert (len(dashboard.items), dashboard.total) == (KEPT, KEPT + 1)


def test_a_package_that_is_odd_does_not_hide_the_others(upstream: Upstream, http: HTTP) -> None:
    body = documented()
    body["packages"] |= {"odd": None, "list": [], "text": {"data": "x"}, "none": {"data": {"bzs": None}}}
    upstream.on(PATH, body)
    dashboard = PackagerDashboard(http, upstream.url).read(user="rana")
    assert (len(dashboard.items), dashboard.packages) == (8, 6)


@pytest.mark.parametrize("packages", [{}, None, []])
def test_an_unknown_name_has_no_packages(upstream: Upstream, http: HTTP, packages: Any) -> None:
    upstream.on(PATH, {"status": 200, "packages": packages})
    dashboard = PackagerDashboard(http, upstream.url).read(user="nobody")
    assert (dashboard.items, dashboard.packages) == ((), 0)


def test_data_that_is_being_gathered_is_asked_for_again_in_a_minute(upstream: Upstream, http: HTTP) -> None:
    upstream.on(PATH, Reply({"status": 202, "packages": {"kettle": {"data": {}}}}, 202))
    with pytest.raises(UpstreamUnreachable, match="is still gathering data") as caught:
        PackagerDashboard(http, upstream.url).read(user="rana")
    assert caught.value.retry_after == 60


@pytest.mark.parametrize("body", [{}, [], {"packages": 7}, {"status": 200, "packages": {"a": {"data": {"prs": [1]}}}}])
def test_another_format_is_an_error_in_words(upstream: Upstream, http: HTTP, body: Any) -> None:
    upstream.on(PATH, body)
    with pytest.raises(UpstreamUnexpected, match="format may have changed"):
        PackagerDashboard(http, upstream.url).read(user="rana")
