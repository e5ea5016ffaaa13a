"""Verifiers of signatures. All comparisons take the same time wherever the values differ.

The schemes are those of the services' own documentation: GitHub “Validating webhook deliveries”, Forgejo “Webhooks”,
GitLab “Webhooks” (secret token, and signing token in the format of Standard Webhooks), Discourse “Webhooks”, and the
specification of Standard Webhooks 1.0, which Weblate's add-on follows.
"""

import base64
import binascii
import hmac
import math
from collections.abc import Callable, Iterable, Sequence

from hubs.bus.webhooks.request import HookRequest, Proof
from hubs.errors import RefusedDelivery
from hubs.i18n import N_

#: Seconds by which the time in a signature may differ from our clock.
REPLAY_WINDOW = 300
#: Before the base64 text of a secret of Standard Webhooks.
PREFIX = "whsec_"

#: Checks a delivery with any of the secrets at a time in seconds since 1970.
#: Raises `RefusedDelivery` when the signature is missing, wrong or too old.
Verifier = Callable[[HookRequest, Sequence[str], float], Proof]

_MISSING = N_("The delivery is not signed. Set the secret at the service.")
_WRONG = N_("The signature does not match. Is the secret at the service the one that was shown here?")
_OLD = N_("The time in the signature is more than five minutes away from ours.")


def body_hmac(signatures: Sequence[str], ids: Sequence[str], prefix: str = "") -> Verifier:
    """Return the verifier for a hexadecimal HMAC-SHA256 of the body, after ``prefix``, in the first header there is.

    ``signatures`` and ``ids`` are the headers with the signature and with the id of the delivery.
    """

    def verify(request: HookRequest, secrets: Sequence[str], now: float) -> Proof:
        name = next((name for name in signatures if request.header(name)), "")
        if not name:
            raise RefusedDelivery(_MISSING, 401)
        # Forgejo also sends GitHub's header, which has a prefix.
        start = "sha256=" if name == "x-hub-signature-256" else prefix
        expected = (start + hmac.digest(secret.encode(), request.body, "sha256").hex() for secret in secrets)
        if not _is_any(request.header(name), expected):
            raise RefusedDelivery(_WRONG, 401)
        return Proof(request.header(*ids), covers_id=False)

    return verify


def standard(request: HookRequest, secrets: Sequence[str], now: float) -> Proof:
    """Verify a signature of Standard Webhooks: ``v1,`` and the base64 HMAC-SHA256 of id, time and body."""
    number, sent = request.header("webhook-id"), request.header("webhook-timestamp")
    signatures = request.header("webhook-signature").split()
    if not (number and sent and signatures):
        raise RefusedDelivery(_MISSING, 401)
    try:
        seconds = float(sent)
        late = abs(now - seconds)
    except ValueError:
        raise RefusedDelivery(_OLD, 401) from None
    if not late <= REPLAY_WINDOW:  # also for NaN
        raise RefusedDelivery(_OLD, 401)
    # Weblate sends a fraction and signs the whole seconds.
    signed = [f"{number}.{time}.".encode() + request.body for time in {sent, str(math.floor(seconds))}]
    expected = [sign(content, secret) for secret in secrets for content in signed]
    if sum(_is_any(signature, expected) for signature in signatures[:8]) == 0:
        raise RefusedDelivery(_WRONG, 401)
    return Proof(number, covers_id=True)


def gitlab(request: HookRequest, secrets: Sequence[str], now: float) -> Proof:
    """Verify GitLab's signature where a signing token is set there, else its secret token."""
    if request.header("webhook-signature"):
        return standard(request, secrets, now)
    return _token(request.header("x-gitlab-token"), request, secrets)


def cloudevents(request: HookRequest, secrets: Sequence[str], now: float) -> Proof:
    """Verify a signature of Standard Webhooks, else the bearer token of the CloudEvents specification for webhooks."""
    if request.header("webhook-signature"):
        return standard(request, secrets, now)
    scheme, _blank, token = request.header("authorization").partition(" ")
    return _token(token.strip() if scheme.lower() == "bearer" else "", request, secrets)


def sign(content: bytes, secret: str) -> str:
    """Return the signature of Standard Webhooks for ``content``: id, time and body, with dots between."""
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), content, "sha256")).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret of Standard Webhooks stands for."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _token(token: str, request: HookRequest, secrets: Sequence[str]) -> Proof:
    if not token:
        raise RefusedDelivery(_MISSING, 401)
    if not _is_any(token, secrets):
        raise RefusedDelivery(_WRONG, 401)
    # Whoever knows the token can write any body: comparing bodies would only drop events that are equal.
    return Proof(request.header("idempotency-key", "webhook-id", "x-gitlab-event-uuid"), covers_id=True)


def _is_any(value: str, expected: Iterable[str]) -> bool:
    encoded = value.encode()
    # Not any(), which would take less time for the first than for the last.
    return sum(hmac.compare_digest(encoded, candidate.encode()) for candidate in expected) > 0
