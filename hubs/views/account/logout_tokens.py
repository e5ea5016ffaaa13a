"""Validates back-channel logout tokens. Anybody can send one, so forged ones must be cheap and cause no requests."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

#: The event that marks a logout token.
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
#: Maximum length of a token and of its key id.
MAX_TOKEN, MAX_KID = 16_000, 255
#: Minimum seconds between requests for the provider's keys because of an unknown key id.
PAUSE = 60.0
#: Seconds after which the keys are fetched again: the provider may have withdrawn one.
KEYS_MAX_AGE = 3600.0
#: Accepted signature algorithms: asymmetric ones only, and never "none".
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class LogoutTokens:
    """Validates tokens; ``client`` is Authlib's, which caches the provider's metadata and keys."""

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._fetched_at = -KEYS_MAX_AGE

    def read(self, token: str, audience: str, leeway: int) -> dict[str, Any]:
        """Return the claims of a token signed for ``audience``; the provider's clock may be ``leeway`` seconds off.

        :raises ValueError, JoseError: if it is not valid.
        :raises RequestException: if the provider's keys are needed and cannot be fetched.
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
            raise ValueError("not a logout token")
        return dict(claims)

    def _keys(self, kid: str | None) -> Any:
        """Return the provider's keys from the cache; fetch them, rarely, if ``kid`` is not among them."""
        known = self._client.server_metadata.get("jwks")
        with self._lock:
            age = self._clock() - self._fetched_at
            key_ids = [key.get("kid") for key in known.get("keys", ())] if known else []
            if known and age < KEYS_MAX_AGE and (kid is None or kid in key_ids):
                return known
            # Made-up key ids must not cause a request for each forged token.
            if age < PAUSE:
                raise ValueError("signed with a key that the provider did not have within the last minute")
            self._fetched_at = self._clock()
        return self._client.fetch_jwk_set(force=True)


def _header(token: str) -> Mapping[str, Any]:
    """Return the header of a token, unverified.

    :raises ValueError: if the token is malformed or its algorithm is not accepted.
    """
    parts = token.split(".") if len(token) <= MAX_TOKEN else []
    if len(parts) != 3 or not all(parts):
        raise ValueError("not three parts, or too long")
    try:
        header = json.loads(urlsafe_b64decode(parts[0].encode("ascii")))
    except RecursionError:
        raise ValueError("its header is nested too deep") from None
    if not isinstance(header, dict) or str(header.get("alg")) not in ALGORITHMS:
        raise ValueError("its signature algorithm is not accepted")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= MAX_KID and kid.isprintable()):
        raise ValueError("its key id is not a short text")
    return header
