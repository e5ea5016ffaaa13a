"""Bodhi, against a server with its response format."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hubs.clients.bodhi import PAGES, Bodhi
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamUnexpected
from tests.upstream import Asked, Reply, Upstream


def update(title: str, **more: Any) -> dict[str, Any]:
    return {
        "alias": f"FEDORA-2026-{title}",
        "title": title,
        "url": f"https://bodhi.example/updates/FEDORA-2026-{title}",
        "status": "testing",
        "request": None,
        "karma": 1,
        "stable_karma": 3,
        "stable_days": 7,
        "autokarma": True,
        "critpath": False,
        "meets_testing_requirements": False,
        "date_submitted": "2026-11-20 10:00:00",
        "date_testing": "2026-11-21 03:00:00",
        "release": {"name": "F43", "long_name": "Fedora 43", "version": "43"},
        "builds": [{"nvr": title, "signed": True, "type": "rpm"}],
        "comments": [{"id": 1, "text": "works", "karma": 1}],
        "user": {"name": "rana"},
        **more,
    }


def page(*updates: Any, **more: Any) -> dict[str, Any]:
    return {"updates": list(updates), "page": 1, "pages": 1, "rows_per_page": 40, "total": len(updates), **more}


def test_updates_that_can_be_pushed_are_listed_first(upstream: Upstream, http: HTTP) -> None:
    upstream.on(
        "/updates/",
        page(
            update("young-1"),
            update("ready-2", meets_testing_requirements=True, date_testing="2026-11-22 03:00:00"),
            update("asked-3", meets_testing_requirements=True, request="stable"),
            update("ready-1", meets_testing_requirements=True, url="javascript:alert(1)"),
            update("new-1", date_testing=None, date_submitted=None, release=None, karma=None, stable_days=None),
        ),
    )
    updates = Bodhi(http, upstream.url).in_testing("rana")
    assert [entry.title for entry in updates] == ["ready-1", "ready-2", "new-1", "young-1"]
    assert [entry.ready for entry in updates] == [True, True, False, False]
    first = updates[0]
    assert first.url == f"{upstream.url}/updates/FEDORA-2026-ready-1"
    assert (first.release, first.karma, first.needed_karma, first.needed_days) == ("Fedora 43", 1, 3, 7)
    assert first.since == datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert upstream.asked[0].params["user"] == ["rana"]
    assert upstream.asked[0].params["status"] == ["testing"]


def test_a_limited_number_of_pages_is_read(upstream: Upstream, http: HTTP) -> None:
    def reply(asked: Asked) -> Reply:
        number = asked.params["page"][0]
        return Reply(page(update(f"u-{number}"), page=int(number), pages=999))

    upstream.on("/updates/", reply)
    assert len(Bodhi(http, upstream.url).in_testing("rana")) == PAGES
    assert len(upstream.asked) == PAGES


def test_a_person_unknown_to_bodhi_has_no_updates(upstream: Upstream, http: HTTP) -> None:
    assert Bodhi(http, upstream.url).in_testing("rana") == []


@pytest.mark.parametrize(
    "body",
    ["", [], {"updates": {}}, page("x"), page({"title": {}})],
)
def test_an_unexpected_response_is_a_clear_error(upstream: Upstream, http: HTTP, body: Any) -> None:
    upstream.on("/updates/", body)
    with pytest.raises(UpstreamUnexpected, match="Bodhi"):
        Bodhi(http, upstream.url).in_testing("rana")


def test_an_odd_karma_counts_as_none(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/updates/", page(update("a", karma="much")))
    assert [update.karma for update in Bodhi(http, upstream.url).in_testing("rana")] == [0]
