"""Stream tokens: signed, short-lived, with the channels that their holder may receive."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from itsdangerous import BadSignature, Serializer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from hubs.errors import NotAllowed
from hubs.events.message import hub_scope
from hubs.settings.secret_key import all_keys


@dataclass(frozen=True, slots=True)
class StreamClaims:
    """The content of a token: channels, and the times of issue and expiry (seconds since 1970)."""

    channels: tuple[str, ...]
    issued: float
    expires: float = inf
    #: The browser's session (`hubs.events.message.session_scope`); empty for visitors.
    session: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """Everything whose revocation invalidates the token: its channels, their hubs, and its session."""
        hubs = dict.fromkeys(scope for channel in self.channels if (scope := hub_scope(channel)))
        return (*self.channels, *hubs, *((self.session,) if self.session else ()))


#: Length in bytes up to which the content of a token is not compressed.
SHORT = 400


class _Serializer(URLSafeSerializer):
    """Compresses long lists of channels only: every page has a new token, and zlib takes longer than signing it."""

    def dump_payload(self, obj: object) -> bytes:
        """Return the content of a token as text for URLs."""
        text = Serializer.dump_payload(self, obj)
        return base64_encode(text) if len(text) <= SHORT else super().dump_payload(obj)


class Tokens:
    """Mints and verifies stream tokens, without any lookup."""

    def __init__(self, key: bytes, ttl: int) -> None:
        # It signs with the last key of a list.
        self._signer = _Serializer(list(reversed(all_keys(key))), salt="hubs.stream")
        self._ttl = ttl

    def mint(
        self, channels: Iterable[str], *, session: str = "", issued: float | None = None, until: float = inf
    ) -> str:
        """Return a token for ``channels``, valid until ``until``, the end of the session, if that comes first.

        ``issued`` must be before the permissions were read, so that a revocation since then refuses the token. It is
        kept in milliseconds, rounded down.
        """
        issued = time.time() if issued is None else issued
        expires = min(until, issued + self._ttl)
        return str(self._signer.dumps([int(issued * 1000), int(expires), session, list(channels)]))

    def read(self, token: str) -> StreamClaims:
        """Verify a token and return its claims.

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
