"""Back-channel logout tokens: anybody can send one, so what is forged must cost little and ask the provider nothing."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

#: The claim that says what the token is.
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
#: Letters of a token, and of the name of its key, that are read.
MOST_LETTERS, MOST_KID = 16_000, 255
#: Seconds between two looks at the provider's keys for the sake of a token that names one that we do not know.
PAUSE = 60.0
#: Seconds after which known keys are looked at again: the provider may have withdrawn one.
KEPT = 3600.0
#: How a provider may sign: never with a secret that both sides know, and never not at all.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class LogoutTokens:
    """Checks tokens for one process; ``client`` is Authlib's, which keeps the provider's metadata and keys."""

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._asked = -KEPT

    def read(self, token: str, audience: str, leeway: int) -> dict[str, Any]:
        """Return the claims of a token that the provider signed for ``audience``; its clock may differ by ``leeway``.

        :raises ValueError, JoseError: when it cannot be trusted.
        :raises RequestException: when the provider's keys are needed and it cannot be asked.
        """
        header = _header(token)
        keys = KeySet.import_key_set(self._keys(header.get("kid")))
        metadata = self._client.load_server_metadata()
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = [name for name in offered if name in ALGORITHMS]
        claims = jwt.decode(token, keys, algorithms=algorithms).claims
        registry = jwt.JWTClaimsRegistry(
            leeway=leeway,
            iss={"essential": True, "value": metadata["issuer"]},
            aud={"essential": True, "value": audience},
            iat={"essential": True},
            exp={"essential": True},
        )
        registry.validate(claims)
        events = claims.get("events")
        if not isinstance(events, Mapping) or LOGOUT not in events or "nonce" in claims:
            raise ValueError("this is no logout token")
        return dict(claims)

    def _keys(self, kid: str | None) -> Any:
        """Return the provider's keys: those that are known, or fetched where ``kid`` is none of them, rarely."""
        known = self._client.server_metadata.get("jwks")
        with self._lock:
            age = self._clock() - self._asked
            if known and age < KEPT and (kid is None or kid in [key.get("kid") for key in known.get("keys", ())]):
                return known
            if age < PAUSE:
                raise ValueError("signed with a key that was not there a moment ago")
            self._asked = self._clock()
        return self._client.fetch_jwk_set(force=True)


def _header(token: str) -> Mapping[str, Any]:
    """Return the header of what has the form of a signed token.

    :raises ValueError: when it has not.
    """
    parts = token.split(".") if len(token) <= MOST_LETTERS else []
    if len(parts) != 3 or not all(parts):
        raise ValueError("not in three parts, or too long")
    try:
        header = json.loads(urlsafe_b64decode(parts[0].encode("ascii")))
    except RecursionError:
        raise ValueError("its header is nested too deep") from None
    if not isinstance(header, dict) or str(header.get("alg")) not in ALGORITHMS:
        raise ValueError("not signed in a way that a provider signs")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= MOST_KID and kid.isprintable()):
        raise ValueError("the name of its key is none")
    return header
