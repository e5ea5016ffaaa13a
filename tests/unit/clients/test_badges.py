"""Fedora Badges, against a server with its response format."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hubs.clients.badges import Badges
from hubs.clients.http.client import HTTP
from hubs.errors import UpstreamMissing, UpstreamUnexpected
from tests.upstream import Upstream


def badge(name: str, issued: float, **more: Any) -> dict[str, Any]:
    return {
        "issued": issued,
        "id": name.lower().replace(" ", "-"),
        "name": name,
        "description": f"You did: {name}",
        "image": "https://badges.example/pngs/x.png",
        "tags": ["community"],
        "criteria": "https://badges.example/criteria",
        "rarity": "D",
        "issuer": "Fedora Project",
        "created_on": 1.0,
        **more,
    }


def person(*badges: Any, **more: Any) -> dict[str, Any]:
    return {
        "user": "rana",
        "avatar": "https://avatars.example/rana",
        "percent_earned": 0.5,
        "percentile": "12.3",
        "rank": 210,
        "user_count": 9000,
        "assertions": list(badges),
        **more,
    }


def test_badges_are_listed_newest_first_with_the_rarest(upstream: Upstream, http: HTTP) -> None:
    old, new = badge("Old Hand", 1_000_000_000.0, rarity="X"), badge("Fresh Start", 1_700_000_000.0)
    upstream.on("/user/rana/json", person(old, new, badge("Older", 900_000_000.0, rarity="?")))
    earned = Badges(http, upstream.url).earned("rana")
    assert [badge.name for badge in earned.badges] == ["Fresh Start", "Old Hand", "Older"]
    assert earned.badges[0].earned == datetime.fromtimestamp(1_700_000_000, UTC)
    assert earned.badges[0].url == f"{upstream.url}/badge/fresh-start"
    assert (earned.rank, earned.people, earned.url) == (210, 9000, f"{upstream.url}/user/rana")
    assert earned.rarest is not None
    assert earned.rarest.name == "Old Hand"


def test_a_person_without_badges_is_no_error(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/user/rana/json", person(rank=None, assertions=None))
    earned = Badges(http, upstream.url).earned("rana")
    assert (earned.badges, earned.rank, earned.rarest) == ((), 0, None)


def test_a_username_is_quoted_as_one_part_of_the_path(upstream: Upstream, http: HTTP) -> None:
    with pytest.raises(UpstreamMissing, match="Badges returned “Not Found”"):
        Badges(http, upstream.url).earned("../../admin?x=1")
    assert upstream.paths() == ["/user/..%2F..%2Fadmin%3Fx%3D1/json"]


@pytest.mark.parametrize(
    "body",
    [
        "<html>maintenance</html>",
        [],
        {},
        {"assertions": [1]},
        person({"issued": "soon", "id": 1}),
        person(badge("x", 1e300)),
    ],
)
def test_an_unexpected_response_is_a_clear_error(upstream: Upstream, http: HTTP, body: Any) -> None:
    upstream.on("/user/rana/json", body)
    with pytest.raises(UpstreamUnexpected, match="Badges cannot be read"):
        Badges(http, upstream.url).earned("rana")


def test_texts_are_limited_in_length(upstream: Upstream, http: HTTP) -> None:
    upstream.on("/user/rana/json", person(badge("x" * 5000, 1.0, description="a\nb\x00c" * 999)))
    first = Badges(http, upstream.url).earned("rana").badges[0]
    assert len(first.name) == 500
    assert first.description.isprintable()
