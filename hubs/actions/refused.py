"""Refused messages, kept for troubleshooting; bounded by number and age."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hubs.models import RefusedMessage, now
from hubs.models.database import storable

#: Most characters of a body, most rows, and how long rows are kept.
BODY, MOST, KEPT = 10_000, 1_000, timedelta(days=30)
_LENGTHS = {"origin": 16, "topic": 255, "msg_id": 64, "reason": 255}


def record(session: Session, origin: str, topic: str, msg_id: str, reason: str, body: bytes | str) -> None:
    """Store a refused message; long values are truncated, and invalid characters replaced."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    fields = {"origin": origin, "topic": topic, "msg_id": msg_id, "reason": reason}
    cut = {name: storable(value)[: _LENGTHS[name]] for name, value in fields.items()}
    session.add(RefusedMessage(**cut, body=storable(text[:BODY])))


def purge(session: Session) -> None:
    """Delete messages older than `KEPT`, and all but the newest `MOST`."""
    session.execute(delete(RefusedMessage).where(RefusedMessage.received_at < now() - KEPT))
    newest = select(RefusedMessage.id).order_by(RefusedMessage.id.desc()).offset(MOST - 1).limit(1)
    bound = session.scalar(newest)
    if bound is not None:
        session.execute(delete(RefusedMessage).where(RefusedMessage.id < bound))


def count(session: Session) -> int:
    """Return how many refused messages are kept."""
    return session.scalar(select(func.count(RefusedMessage.id))) or 0
