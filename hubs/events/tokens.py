"""Stream tokens: signed, short-lived, naming the channels that their holder may hear."""

from collections.abc import Iterable
from dataclasses import dataclass

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from hubs.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class StreamClaims:
    """What a token allows: the channels that its holder may hear, and since when (seconds since 1970)."""

    channels: tuple[str, ...]
    issued: float


class Tokens:
    """Mints and checks stream tokens: signed, short-lived, naming channels; no look-up anywhere."""

    def __init__(self, key: bytes, ttl: int) -> None:
        self._signer = URLSafeTimedSerializer(key, salt="hubs.stream")
        self._ttl = ttl

    def mint(self, channels: Iterable[str]) -> str:
        """Return a token for ``channels``."""
        return str(self._signer.dumps(list(channels)))

    def read(self, token: str) -> StreamClaims:
        """Return what the token allows.

        :raises NotAllowed: when it is forged, damaged or too old.
        """
        try:
            channels, issued = self._signer.loads(token, max_age=self._ttl, return_timestamp=True)
        except SignatureExpired:
            raise NotAllowed("The stream token is too old: load the page again.") from None
        except (BadSignature, ValueError, TypeError):
            raise NotAllowed("The stream token is not valid: load the page again.") from None
        return StreamClaims(tuple(channels), issued.timestamp())
