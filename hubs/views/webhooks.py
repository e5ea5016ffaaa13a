"""Where services deliver their webhooks. A signature proves who sends, so this is exempt from CSRF protection."""

import time

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from hubs.actions.webhooks import deliveries
from hubs.bus.webhooks import BY_KEY, HookRequest
from hubs.errors import HubsError, NotFound, RefusedDelivery, TooManyRequests
from hubs.i18n import N_, _
from hubs.models import DeliveryState, Webhook
from hubs.views.web.context import app_context, db
from hubs.views.web.rate_limits import address_key
from hubs.widgets.secrets import Unreadable

blueprint = Blueprint("webhooks", __name__)

_TOO_LARGE = N_("The delivery is larger than this instance accepts.")
_UNREADABLE = N_("The secret cannot be read, because the key of this instance has changed. Rotate the secret.")


@blueprint.post("/hooks/<address>", provide_automatic_options=False)
def receive(address: str) -> Response:
    """Store a delivery and acknowledge it; the daemon handles it from there."""
    hook = _find(address)
    body = b""
    try:
        body = _read_body()
        stored = _store(hook, body)
    except (RefusedDelivery, TooManyRequests) as error:
        db().rollback()
        _record_refusal(hook, error, len(body) or request.content_length or 0)
        raise
    db().commit()
    return _answer(stored)


@blueprint.route("/hooks/<address>", methods=["OPTIONS"], provide_automatic_options=False)
def allow(address: str) -> Response:
    """Answer the validation request of CloudEvents' HTTP webhooks: deliveries from everywhere, if they are signed."""
    _find(address)
    answer = Response(status=204)
    answer.headers["Allow"] = "OPTIONS, POST"
    if "WebHook-Request-Origin" in request.headers:
        answer.headers["WebHook-Allowed-Origin"] = "*"
        answer.headers["WebHook-Allowed-Rate"] = str(app_context().settings.webhook_rate)
    return answer


def _find(address: str) -> Webhook:
    """Return the webhook at an address.

    :raises NotFound: when there is none; addresses cannot be guessed, and trying is limited.
    :raises TooManyRequests: when this client sends too much to it.
    """
    client = address_key(request.remote_addr or "")
    # By client as well: whoever does not know the secret cannot use up what the service may send.
    app_context().webhook_limiter.take("webhook", address[:64], client)
    hook = deliveries.find_hook(db(), address)
    if hook is None or hook.service not in BY_KEY:
        app_context().webhook_limiter.take("webhook", client)
        raise NotFound(_("There is no such webhook. An owner of the hub can create one in its settings."))
    return hook


def _read_body() -> bytes:
    """Return the body, of which no more is read than is accepted.

    :raises RefusedDelivery: when it is larger.
    """
    limit = app_context().settings.message_limit
    # A body without a length would be cut at the limit without an error, so one byte more is read.
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RefusedDelivery(_TOO_LARGE, 413) from None
    if len(body) > limit:
        raise RefusedDelivery(_TOO_LARGE, 413)
    return body


def _store(hook: Webhook, body: bytes) -> DeliveryState | None:
    """Check a delivery and store it; return what becomes of it, None for one that arrived before."""
    settings, service = app_context().settings, BY_KEY[hook.service]
    delivery = HookRequest({name.lower(): value for name, value in request.headers.items()}, body)
    try:
        secrets = deliveries.secrets_of(app_context().secret_box, hook)
    except Unreadable:
        raise RefusedDelivery(_UNREADABLE, 503) from None
    proof = service.verify(delivery, secrets, time.time())
    event = service.read(delivery)
    row = deliveries.receive(db(), hook, delivery, proof, event, settings.webhook_quota)
    return row.state if row is not None else None


def _record_refusal(hook: Webhook, error: HubsError, size: int) -> None:
    deliveries.refuse(db(), hook, str(error), size)
    db().commit()


def _answer(state: DeliveryState | None) -> Response:
    """Return what the service gets: 202 for what the daemon handles, 200 for what needs nothing more."""
    status = {None: "duplicate", DeliveryState.PING: "pong"}.get(state, "accepted")
    answer = jsonify(status=status)
    answer.status_code = 202 if status == "accepted" else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer
