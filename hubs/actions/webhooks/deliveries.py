"""Deliveries of webhooks: stored before they are acknowledged, handled by the daemon, and kept for a while."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager, joinedload

from hubs.bus.webhooks import Event, HookRequest, Proof
from hubs.errors import RefusedDelivery, TooManyRequests
from hubs.i18n import N_, _
from hubs.models import Database, DeliveryState, Hub, Webhook, WebhookDelivery, now
from hubs.models.session_events import defer, run_after_commit
from hubs.widgets.secrets import SecretBox

#: How long deliveries are kept for owners, and against replays.
KEPT = timedelta(days=30)
#: Deliveries of one webhook on one page of its list.
PAGE = 50
#: Refused deliveries of one webhook that are recorded in an hour: they prove nothing, and cost a row each.
RECORDED = 30
#: The effect that tells the daemon about new rows, and the Redis channel on which it listens.
ARRIVED, CHANNEL = "tell the daemon about a delivery", "hubs:webhooks"
#: Makes the id of a message from the webhook and the service's id: nobody can give it the id of another message.
_IDS = uuid.UUID("0f9a7a5e-3c5d-4f0a-8b38-0f4b7d2f9c11")
_DAY = timedelta(days=1)


def find_hook(session: Session, address: str) -> Webhook | None:
    """Return the webhook at an address, of a hub that is not deleted."""
    query = select(Webhook).join(Webhook.hub).options(contains_eager(Webhook.hub))
    return session.scalar(query.where(Webhook.address == address, Hub.deleted_on.is_(None)))


def secrets_of(box: SecretBox, hook: Webhook) -> list[str]:
    """Return the secrets that are good for a webhook: the current one, and the former one for a while.

    :raises hubs.widgets.secrets.Unreadable: when the instance's key changed since the webhook was created.
    """
    secrets = [box.open(hook.secret)]
    if hook.former_secret is not None and hook.former_until is not None and hook.former_until > now():
        secrets.append(box.open(hook.former_secret))
    return secrets


def receive(
    session: Session, hook: Webhook, request: HookRequest, proof: Proof, event: Event, quota: int
) -> WebhookDelivery | None:
    """Store a verified delivery for the daemon; return None for one that arrived before.

    :param quota: deliveries that the webhook may have in a day.
    :raises RefusedDelivery: when the webhook may not speak for the project, or a delivery is replayed under another id.
    :raises TooManyRequests: beyond the quota.
    """
    if hook.hub.archived:
        raise RefusedDelivery(N_("This hub is archived and read-only."), 403)
    if event.topic and not speaks_for(hook.projects, event.project):
        raise RefusedDelivery(N_("This project is not in the list of those that the webhook may speak for."), 403)
    digest = _fingerprint(request.body)
    number = _fingerprint((proof.delivery_id or event.number).encode()) if proof.delivery_id or event.number else digest
    row = WebhookDelivery(
        webhook_id=hook.id,
        state=DeliveryState.WAITING if event.topic else DeliveryState.PING,
        number=number,
        # A ping has the same body each time.
        digest=digest if event.topic and not proof.covers_id else None,
        msg_id=str(uuid.uuid5(_IDS, f"{hook.address} {number}")),
        topic=event.topic,
        project=event.project,
        size=len(request.body),
        body=event.body if event.topic else None,
    )
    if _is_known(session, row, digest):
        return None
    _check_quota(session, hook, quota)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same delivery, at this very moment
        return None
    announce(session, row)
    return row


def refuse(session: Session, hook: Webhook, reason: str, size: int) -> None:
    """Record a refused delivery for the owners; when many are refused, only some."""
    since = now() - timedelta(hours=1)
    recent = select(func.count(WebhookDelivery.id)).where(
        WebhookDelivery.webhook_id == hook.id,
        WebhookDelivery.received_at > since,
        WebhookDelivery.state == DeliveryState.REFUSED,
    )
    if (session.scalar(recent) or 0) < RECORDED:
        session.add(WebhookDelivery(webhook_id=hook.id, state=DeliveryState.REFUSED, reason=reason[:255], size=size))
        session.flush()


def newest_first(
    session: Session, hook: Webhook, before: int | None = None
) -> tuple[list[WebhookDelivery], int | None]:
    """Return deliveries of a webhook, newest first, and what to pass as ``before`` for older ones, if any."""
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == hook.id)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    rows = list(session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(PAGE + 1)))
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None


def waiting(session: Session, besides: Iterable[int], limit: int) -> list[WebhookDelivery]:
    """Return deliveries that the daemon has not handled, with their webhooks, oldest first, but for ``besides``."""
    query = select(WebhookDelivery).options(joinedload(WebhookDelivery.webhook))
    query = query.where(WebhookDelivery.state == DeliveryState.WAITING, WebhookDelivery.id.not_in(list(besides)))
    return list(session.scalars(query.order_by(WebhookDelivery.id).limit(limit)))


def mark_handled(session: Session, ids: Sequence[int], reason: str = "") -> None:
    """Note that messages are committed, or with a ``reason`` that they cannot be used; their bodies are not needed."""
    state = DeliveryState.REFUSED if reason else DeliveryState.HANDLED
    query = update(WebhookDelivery).where(WebhookDelivery.id.in_(ids), WebhookDelivery.state == DeliveryState.WAITING)
    session.execute(query.values(state=state, body=None, reason=reason[:255]))


def purge(session: Session) -> None:
    """Remove deliveries received more than `KEPT` ago."""
    old = WebhookDelivery.received_at < now() - KEPT
    session.execute(delete(WebhookDelivery).where(old, WebhookDelivery.state != DeliveryState.WAITING))


def announce(session: Session, row: WebhookDelivery) -> None:
    """Tell the daemon about a row once it is committed; without that it looks for itself some seconds later."""
    if row.state == DeliveryState.WAITING:
        defer(session, ARRIVED, row.id)


def announce_after_commit(database: Database, tell: Callable[[], object]) -> None:
    """Call ``tell`` after each commit of ``database`` that stored deliveries."""
    run_after_commit(database, ARRIVED, lambda ids: tell())


def speaks_for(patterns: Iterable[str], project: str) -> bool:
    """Return whether one of ``patterns`` is ``project``, or what it is in, or ``*``."""
    path = project.lower().strip("/")
    return any(pattern in ("*", path) or path.startswith(f"{pattern}/") for pattern in patterns)


def _is_known(session: Session, row: WebhookDelivery, digest: str) -> bool:
    """Return whether a delivery arrived before.

    :raises RefusedDelivery: when either its id or its body did, but with another body or id.
    """
    same = [WebhookDelivery.number == row.number, WebhookDelivery.digest == digest]
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == row.webhook_id, or_(*same))
    for known in session.scalars(query):
        if known.number == row.number and (known.digest is None or row.digest is None or known.digest == digest):
            return True
        raise RefusedDelivery(N_("This delivery was replayed: its id or its body is that of another one."), 409)
    return False


def _check_quota(session: Session, hook: Webhook, quota: int) -> None:
    day = now() - _DAY
    counted = select(func.count(WebhookDelivery.id), func.min(WebhookDelivery.received_at)).where(
        WebhookDelivery.webhook_id == hook.id,
        WebhookDelivery.received_at > day,
        WebhookDelivery.state != DeliveryState.REFUSED,
    )
    count, oldest = session.execute(counted).one()
    if count >= quota:
        wait = max(1, int((oldest + _DAY - now()).total_seconds()))
        raise TooManyRequests(
            _("This webhook has used its quota of %(quota)s deliveries a day.") % {"quota": quota}, wait
        )


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
