"""Matrix: the name, the topic and the number of members of a public room.

API: https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv1room_summaryroomidoralias (MSC3266),
``/_matrix/client/v1/room_summary/<alias>?via=<server>``, without an account. Response::

    {"room_id": "!ol19s:bleecker.street", "canonical_alias": "#cheese:bleecker.street", "name": "CHEESE",
     "topic": "Tasty tasty cheese", "num_joined_members": 37, "join_rule": "public", "world_readable": true,
     "guest_can_join": false}

A missing ``join_rule`` means ``public``. The homeserver of a room is found as clients do, by
``https://<server>/.well-known/matrix/client``: ``{"m.homeserver": {"base_url": "https://…"}}``.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pydantic import Field

from hubs.clients.http.client import HTTP, Service
from hubs.clients.http.response import Link, Response, Shape, Text
from hubs.errors import UpstreamForbidden, UpstreamMissing
from hubs.i18n import _
from hubs.parameters.addresses import TypedAddress

#: The alias of a room: ``#name:server``; a server may have a port.
_ALIAS = re.compile(r"#[^:\s]{1,200}:([A-Za-z0-9][A-Za-z0-9.-]{0,199}(?::\d{1,5})?)")


@dataclass(frozen=True)
class Room:
    """A public room; ``members`` are those that have joined. ``is_space`` if it is a collection of rooms."""

    alias: str
    name: str
    topic: str
    members: int
    is_space: bool

    @property
    def page(self) -> str:
        """The address that opens it in a client of the reader's choice."""
        return room_page(self.alias)


class _Summary(Shape):
    name: Text = ""
    topic: Text = ""
    num_joined_members: int = Field(ge=0)
    canonical_alias: Text = ""
    join_rule: Text = "public"
    room_type: Text = ""


class _Homeserver(Shape):
    base_url: Link


class _WellKnown(Shape):
    homeserver: _Homeserver = Field(alias="m.homeserver")


def room_alias(text: str) -> str:
    """Return the alias in a text: ``#docs:example.org``, a link of matrix.to, or ``matrix:r/docs:example.org``.

    Empty if there is none. Names of servers are not distinguished by case.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.hostname == "matrix.to":
        text = unquote(parts.fragment.removeprefix("/").partition("?")[0])
    elif parts.scheme == "matrix" and parts.path.startswith("r/"):
        text = f"#{unquote(parts.path.removeprefix('r/'))}"
    if not (match := _ALIAS.fullmatch(text)):
        return ""
    return text[: match.start(1)] + match[1].lower()


def room_page(alias: str) -> str:
    """Return the address of a room on matrix.to, which opens it in a client of the reader's choice."""
    return f"https://matrix.to/#/{alias}"


class Matrix:
    """A client of Matrix homeservers: one that is asked for all rooms, or else that of each room."""

    def __init__(self, http: HTTP, base: str = "") -> None:
        self._http, self._own = http, Service("Matrix", base) if base else None

    def room(self, alias: str, owner: str = "") -> Room:
        """Return a public room; ``owner`` names the hub whose people typed its alias.

        :raises UpstreamMissing: when there is no such room, or visitors may not see it.
        :raises UpstreamForbidden: when the room is not public, or its server is not a public web server.
        :raises UpstreamError: when there is no usable response.
        """
        summary: _Summary = self._summary(alias, owner).read_as(_Summary)
        if summary.join_rule not in ("", "public"):
            raise UpstreamForbidden(_("This room is not public, so nothing is shown of it."))
        # The room may have moved to another alias, which is a text of the server's choice.
        known = room_alias(summary.canonical_alias) or alias
        return Room(known, summary.name or known, summary.topic, summary.num_joined_members, _is_space(summary))

    def _summary(self, alias: str, owner: str) -> Response:
        server = alias.partition(":")[2]
        path = ("_matrix", "client", "v1", "room_summary", alias)
        if self._own is not None:
            return self._http.get(self._own.url(*path, via=server), self._own)
        return self._http.get(self._homeserver(server, owner).below(*path, via=server))

    def _homeserver(self, server: str, owner: str) -> TypedAddress:
        """Return the address of the homeserver, as a typed one: another server chose it."""
        site = TypedAddress(f"https://{server.partition(':')[0]}", owner)
        try:
            known: _WellKnown = self._http.get(site.below(".well-known", "matrix", "client")).read_as(_WellKnown)
        except UpstreamMissing:
            return TypedAddress(f"https://{server}", owner)
        return TypedAddress(known.homeserver.base_url, owner)


def _is_space(summary: _Summary) -> bool:
    return summary.room_type == "m.space"
