"""Matrix: how rooms are written, the summary and odd variants of it, rooms that are not public, and servers."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubs.clients.community.matrix import Matrix, room_alias
from hubs.clients.http.client import HTTP
from hubs.clients.http.response import Response
from hubs.demo.services.contract import answer
from hubs.errors import UpstreamError, UpstreamForbidden, UpstreamMissing, UpstreamUnexpected
from hubs.parameters.addresses import TypedAddress
from tests.upstream import Reply, Upstream

ALIAS = "#cheese:bleecker.street"
PATH = "/_matrix/client/v1/room_summary/%23cheese%3Ableecker.street"


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        (" #docs:Example.ORG ", "#docs:example.org"),
        ("#docs:example.org:8448", "#docs:example.org:8448"),
        ("#Dokümente-1/2:example.org", "#Dokümente-1/2:example.org"),
        ("https://matrix.to/#/#docs:example.org", "#docs:example.org"),
        ("https://matrix.to/#/%23docs%3Aexample.org?via=other.example", "#docs:example.org"),
        ("matrix:r/docs:example.org?action=join", "#docs:example.org"),
        ("!opaque:example.org", ""),
        ("@rana:example.org", ""),
        ("#docs", ""),
        ("#docs:exa mple.org", ""),
        ("#docs:user@host", ""),
        ("#docs:host/path", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_how_rooms_are_written(text: str, alias: str) -> None:
    assert room_alias(text) == alias


def test_a_room_as_documented(upstream: Upstream, http: HTTP) -> None:
    upstream.on(PATH, answer("matrix", "room"))
    room = Matrix(http, upstream.url).room(ALIAS)
    assert (room.name, room.topic, room.members, room.is_space) == ("CHEESE", "Tasty tasty cheese", 37, False)
    assert room.page == "https://matrix.to/#/#cheese:bleecker.street"
    assert upstream.asked[0].params == {"via": ["bleecker.street"]}


def _variants() -> Mapping[str, Any]:
    room = answer("matrix", "room")
    optional = [name for name in room if name not in ("num_joined_members", "room_id", "join_rule")]
    odd: tuple[Any, ...] = (None, {"odd": [1]}, [[]], "\u202eodd")
    return {
        **{f"without {name}": {key: value for key, value in room.items() if key != name} for name in optional},
        **{f"{name} is {value!r}": {**room, name: value} for name in optional for value in odd},
    }


@pytest.mark.parametrize("variant", _variants().values(), ids=_variants())
def test_no_odd_field_hides_a_room(upstream: Upstream, http: HTTP, variant: Any) -> None:
    upstream.on(PATH, variant)
    room = Matrix(http, upstream.url).room(ALIAS)
    assert (room.members, room.alias) == (37, ALIAS)
    assert room.name


@pytest.mark.parametrize("members", [None, -1, "many", [37]])
def test_a_room_without_a_number_of_members_is_not_understood(upstream: Upstream, http: HTTP, members: Any) -> None:
    upstream.on(PATH, answer("matrix", "room") | {"num_joined_members": members})
    with pytest.raises(UpstreamUnexpected):
        Matrix(http, upstream.url).room(ALIAS)


@pytest.mark.parametrize("rule", ["invite", "knock", "restricted", "private", "made-up"])
def test_nothing_is_shown_of_a_room_that_is_not_public(upstream: Upstream, http: HTTP, rule: str) -> None:
    upstream.on(PATH, answer("matrix", "room") | {"join_rule": rule})
    with pytest.raises(UpstreamForbidden, match="not public"):
        Matrix(http, upstream.url).room(ALIAS)


def test_an_unknown_room(upstream: Upstream, http: HTTP) -> None:
    upstream.on(PATH, Reply({"errcode": "M_NOT_FOUND", "error": "Room not found."}, 404))
    with pytest.raises(UpstreamMissing):
        Matrix(http, upstream.url).room(ALIAS)


class _Web:
    """Stands for the web: answers by address, and records what is requested."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers, self.asked = answers, []

    def get(self, url: TypedAddress, **more: Any) -> Response:
        self.asked.append(url)
        place = str(url).partition("?")[0]
        if place not in self.answers:
            raise UpstreamMissing("There is nothing here.")
        return Response("x", str(url), 200, {}, Reply(self.answers[place]).encoded())


KNOWN = "https://bleecker.street/.well-known/matrix/client"


@pytest.mark.parametrize(
    ("alias", "answers", "base"),
    [
        (ALIAS, {KNOWN: answer("matrix", "well-known")}, "https://matrix.bleecker.street"),
        (ALIAS, {}, "https://bleecker.street"),
        (f"{ALIAS}:8448", {}, "https://bleecker.street:8448"),
    ],
)
def test_the_homeserver_of_a_room_is_found_as_clients_do(alias: str, answers: Any, base: str) -> None:
    path = PATH if alias == ALIAS else f"{PATH}%3A8448"
    web: Any = _Web({**answers, f"{base}{path}": answer("matrix", "room")})
    assert Matrix(web).room(alias, owner="hub:7").members == 37
    # No address that another server names is trusted: all are typed, for the circuit breaker of this hub.
    assert [(type(url), url.owner) for url in web.asked] == [(TypedAddress, "hub:7")] * 2


@pytest.mark.parametrize("body", [{}, [], {"m.homeserver": {}}, {"m.homeserver": {"base_url": "file:///etc"}}])
def test_a_server_that_does_not_name_its_homeserver(body: Any) -> None:
    web: Any = _Web({KNOWN: body})
    with pytest.raises(UpstreamError):
        Matrix(web).room(ALIAS)


def test_the_server_of_a_room_must_be_public(upstream: Upstream, http: HTTP) -> None:
    for server in ("127.0.0.1", f"localhost:{upstream.port}", "169.254.169.254", "10.0.0.1"):
        with pytest.raises(UpstreamForbidden):
            Matrix(http).room(f"#cheese:{server}", owner="hub:1")
    assert upstream.asked == []
