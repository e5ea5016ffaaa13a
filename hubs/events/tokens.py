"""Stream tokens: signed, short-lived, naming the channels that their holder may hear."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from itsdangerous import BadSignature, URLSafeSerializer

from hubs.errors import NotAllowed
from hubs.events.message import hub_scope


@dataclass(frozen=True, slots=True)
class StreamClaims:
    """What a token allows: the channels that its holder may hear, and from when to when (seconds since 1970)."""

    channels: tuple[str, ...]
    issued: float
    expires: float = inf
    #: The browser's session (`hubs.events.message.session_scope`); empty for visitors.
    session: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Everything whose revocation ends what the token allows: its channels, their hubs, and its session."""
        hubs = dict.fromkeys(scope for channel in self.channels if (scope := hub_scope(channel)))
        return (*self.channels, *hubs, *((self.session,) if self.session else ()))


class Tokens:
    """Mints and checks stream tokens: signed, short-lived, naming channels; no look-up anywhere."""

    def __init__(self, key: bytes, ttl: int) -> None:
        self._signer = URLSafeSerializer(key, salt="hubs.stream")
        self._ttl = ttl

    def mint(
        self, channels: Iterable[str], *, session: str = "", issued: float | None = None, until: float = inf
    ) -> str:
        """Return a token for ``channels``, good until the end of the session that it was minted in, if that is sooner.

        ``issued`` is a moment before the rows were read that say what the holder may hear: a revocation since then
        refuses the token. It is kept in milliseconds, rounded down.
        """
        issued = time.time() if issued is None else issued
        expires = min(until, issued + self._ttl)
        return str(self._signer.dumps([int(issued * 1000), int(expires), session, list(channels)]))

    def read(self, token: str) -> StreamClaims:
        """Return what the token allows.

        :raises NotAllowed: when it is forged, damaged or too old.
        """
        try:
            milliseconds, expires, session, channels = self._signer.loads(token)
            claims = StreamClaims(tuple(map(str, channels)), milliseconds / 1000, float(expires), str(session))
        except (BadSignature, ValueError, TypeError):
            raise NotAllowed("The stream token is not valid: load the page again.") from None
        if time.time() >= min(claims.expires, claims.issued + self._ttl):
            raise NotAllowed("The stream token is too old: load the page again.")
        return claims
