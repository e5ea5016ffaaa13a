"""The widget of a room on Matrix: what is shown, and what owners are told."""

from typing import Any

import pytest

from hubs.clients.community.matrix import Matrix
from hubs.demo.services.contract import answer
from hubs.fragments.store import FragmentStore
from tests.unit.clients.test_matrix import ALIAS, PATH
from tests.unit.widgets.conftest import Build
from tests.unit.widgets.reading import text_of
from tests.upstream import Reply, Upstream


@pytest.fixture(autouse=True)
def homeserver(fragments: FragmentStore, upstream: Upstream) -> None:
    """Ask one homeserver for all rooms."""
    assert fragments.clients is not None
    fragments.clients.matrix = Matrix(fragments.clients.http, upstream.url)


def test_a_room_has_its_topic_members_and_a_link(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, answer("matrix", "room"))
    fragment = build("matrix", room=f"https://matrix.to/#/{ALIAS}")
    text = text_of(fragment.html)
    assert fragment.state == "live", fragment.error
    assert f"CHEESE {ALIAS} Tasty tasty cheese 37 people are in it Join the room" in text
    assert f'href="https://matrix.to/#/{ALIAS}"' in fragment.html


def test_an_empty_space(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, {"num_joined_members": 0, "room_type": "m.space"})
    text = text_of(build("matrix", room=ALIAS).html)
    assert "Nobody is in it yet." in text
    assert "Join the space" in text


@pytest.mark.parametrize(
    ("room", "reply", "said"),
    [
        ("", {}, "Which room?"),
        ("#docs", {}, "not the address of a room"),
        (ALIAS, answer("matrix", "room") | {"join_rule": "invite"}, "This room is not public"),
    ],
)
def test_hints_for_owners(upstream: Upstream, build: Build, room: str, reply: Any, said: str) -> None:
    upstream.on(PATH, reply)
    fragment = build("matrix", room=room)
    assert (fragment.state, said in fragment.error) == ("needs-setup", True)


def test_an_unknown_room_fails(upstream: Upstream, build: Build) -> None:
    upstream.on(PATH, Reply({"errcode": "M_NOT_FOUND"}, 404))
    assert build("matrix", room=ALIAS).state == "failed"
