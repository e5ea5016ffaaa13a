"""Telling the bus: a row in the transaction of the change, published once that is committed."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from hubs import urls
from hubs.models import AuditEntry, Database, Hub, OutboxMessage, Widget, digest, now

_WAITING = "outbox"
#: Where a session keeps the ids of the hubs that it changed, with who did it.
CHANGED = "changed hubs"
#: Where a session keeps from where its changes come: an address, ``cli`` or ``bus``.
ORIGIN = "origin"
_SUBJECT = ("agent", "hub_id", "hub_name", "hub_type", "hub_url")
#: How long handled rows are kept, for those who look into a problem.
KEPT = timedelta(days=7)


class Publishes(Protocol):
    """What is needed of a publisher."""

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Hand a message over and return at once."""


def record(session: Session, topic: str, body: dict[str, Any], hub: Hub | None = None) -> None:
    """Note that the bus must hear ``topic`` with ``body`` when this transaction is committed, and who did it.

    ``hub`` is the hub that it was done to, for the audit log.
    """
    session.add(OutboxMessage(topic=topic, body=body, digest=digest(topic, body)))
    session.info.setdefault(_WAITING, []).append((topic, body))
    agent = body.get("agent", "")
    session.add(
        AuditEntry(
            agent=agent,
            origin=session.info.get(ORIGIN, ""),
            action=topic,
            hub_id=hub.id if hub else None,
            hub_name=hub.name if hub else "",
            detail={name: value for name, value in body.items() if name not in _SUBJECT},
        )
    )
    if hub is not None and not topic.startswith("hubs.user."):
        session.info.setdefault(CHANGED, {})[hub.id] = agent


def publish_after_commit(database: Database, publisher: Publishes) -> None:
    """Publish what the sessions of ``database`` recorded once they commit; forget it when they roll back."""

    def publish(session: Session) -> None:
        for topic, body in session.info.pop(_WAITING, []):
            publisher.publish(topic, body)

    def forget(session: Session) -> None:
        session.info.pop(_WAITING, None)

    event.listen(database.maker, "after_commit", publish)
    event.listen(database.maker, "after_rollback", forget)


def unhandled(session: Session, before: datetime, limit: int = 200) -> list[OutboxMessage]:
    """Return our messages from before a moment that the daemon has not heard on the bus, oldest first."""
    query = select(OutboxMessage).where(OutboxMessage.handled_at.is_(None), OutboxMessage.created_on < before)
    return list(session.scalars(query.order_by(OutboxMessage.id).limit(limit)))


def mark_handled(session: Session, topic: str, body: dict[str, Any]) -> None:
    """Note that the daemon acted on a message of ours."""
    query = update(OutboxMessage).where(OutboxMessage.digest == digest(topic, body), OutboxMessage.handled_at.is_(None))
    session.execute(query.values(handled_at=now()))


def purge(session: Session) -> None:
    """Remove rows handled long ago."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.handled_at < now() - KEPT))


def about_hub(session: Session, hub: Hub, agent: str, **more: Any) -> dict[str, Any]:
    """Return the fields that messages about a hub share."""
    return {
        "agent": agent,
        "hub_id": hub.id,
        "hub_name": hub.name,
        "hub_type": hub.kind,
        "hub_url": session.info.get("site_url", "") + urls.hub(hub.kind, hub.name),
        **more,
    }


def about_widget(session: Session, row: Widget, agent: str, changed: list[str]) -> dict[str, Any]:
    """Return the fields of a message about a widget."""
    return about_hub(
        session, row.hub, agent, changed_keys=changed, widget_id=row.id, widget_label=row.label or row.plugin
    )
