"""Status pages: the order of outages, times that nobody knows, and addresses that people name."""

from typing import Any

import pytest

from hubs.clients.community.statuspage import StatusPage
from hubs.clients.http.client import HTTP
from hubs.demo.services.contract import answer, record
from hubs.errors import UpstreamForbidden, UpstreamMissing
from hubs.parameters.addresses import TypedAddress
from tests.upstream import Upstream


def say(upstream: Upstream, ongoing: list[Any], planned: list[Any]) -> None:
    upstream.on("/ongoing.json", {"outages": ongoing})
    upstream.on("/planned.json", {"outages": planned})


def outage(title: str, start: str | None, **more: Any) -> dict[str, Any]:
    return record("statuspage", "outages", title=title, startdate=start and f"{start}T16:00:00+0000", **more)


def test_current_outages_come_first_and_the_next_planned_one_follows(upstream: Upstream, http: HTTP) -> None:
    ongoing = [outage("unknown", None), outage("older", "2026-03-01"), outage("newer", "2026-03-02")]
    say(upstream, ongoing, [outage("late", "2026-04-09"), outage("soon", "2026-04-02")])
    titles = [entry.title for entry in StatusPage(http, upstream.url).read().outages]
    assert titles == ["newer", "older", "unknown", "soon", "late"]


def test_zones_without_a_colon_tickets_and_missing_ends_are_read(upstream: Upstream, http: HTTP) -> None:
    say(upstream, answer("statuspage", "outages")["outages"], [])
    wiki, bees = StatusPage(http, upstream.url).read().outages
    assert (wiki.url, bees.url) == ("https://pagure.io/fedora-infrastructure/issue/12183", "")
    assert wiki.end is not None
    assert (wiki.end.isoformat(), bees.end, bees.planned) == ("2026-03-01T18:30:00+00:00", None, False)


def test_a_site_with_one_of_the_files_only_is_no_status_page(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/ongoing.json", {"outages": []})
    with pytest.raises(UpstreamMissing):
        StatusPage(http, upstream.url).read()


def test_a_page_that_a_person_named_must_be_public(upstream: Upstream, http: HTTP, local_http: HTTP) -> None:
    say(upstream, [outage("here", "2026-03-01")], [])
    address = TypedAddress(upstream.url, "hub:1")
    with pytest.raises(UpstreamForbidden):
        StatusPage(http, upstream.url).read(address)
    status = StatusPage(local_http, "https://status.example").read(address)
    assert ([entry.title for entry in status.outages], status.page) == (["here"], upstream.url)
