"""Outages: what is going on, what is planned, and what is over."""

from datetime import timedelta
from typing import Any

from hubs.models import now
from tests.unit.clients.test_statuspage import say
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream


def outage(title: str, hours: float, lasts: float | None = None) -> dict[str, Any]:
    start, form = now() + timedelta(hours=hours), "%Y-%m-%dT%H:%M:%S%z"
    end = (start + timedelta(hours=lasts)).strftime(form) if lasts else None
    return {"title": title, "ticket": None, "startdate": start.strftime(form), "enddate": end}


def test_current_and_planned_outages_are_told_apart(upstream: Upstream, build: Build) -> None:
    say(upstream, [outage("Wiki is slow", -2, 1)], [outage("New disks", 20, 4), outage("Old disks", -20, 4)])
    fragment = build("outages")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert "1 outage is going on. Wiki is slow going on" in text
    assert text.index("Wiki is slow") < text.index("New disks planned")
    # A current outage whose end was wrong goes on; a planned one that has ended is over.
    assert "Old disks" not in text
    assert f'href="{upstream.url}"' in fragment.html


def test_the_day_of_the_end_is_written_only_where_it_matters(upstream: Upstream, build: Build) -> None:
    say(upstream, [], [outage("New disks", 20, 4), outage("Moving house", 40, 60)])
    html = build("outages").html
    short, _heading, long = html.partition("Moving house")
    assert (short.count('data-style="clock"'), short.count('data-style="full"')) == (1, 0)
    assert (long.count('data-style="clock"'), long.count('data-style="full"')) == (0, 1)


def test_without_outages_it_says_so(upstream: Upstream, build: Build) -> None:
    say(upstream, [], [])
    text = text_of(build("outages").html)
    assert "No outage is going on." in text
    assert "No outage is planned." in text


def test_another_page_by_address(upstream: Upstream, build: Build) -> None:
    upstream.on("/talk/ongoing.json", {"outages": [outage("Chat is down", -1)]})
    upstream.on("/talk/planned.json", {"outages": []})
    assert "Chat is down" in build("outages", address=f"{upstream.url}/talk/").html


def test_an_address_in_our_own_network_is_refused(build: Build) -> None:
    fragment = build("outages", address="http://10.0.0.1/")
    assert fragment.state == "needs-setup"


def test_a_page_that_is_down_is_not_a_page_without_outages(upstream: Upstream, build: Build) -> None:
    say(upstream, [], [])
    upstream.on("/planned.json", Reply("", 500))
    fragment = build("outages")
    assert (fragment.state, "No outage" in fragment.html) == ("failed", False)
