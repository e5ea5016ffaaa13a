"""Telling the bus: a row in the transaction of the change, published once that is committed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hubs import urls
from hubs.models import AuditEntry, Database, Hub, OutboxMessage, Visibility, Widget, digest, now
from hubs.models.session_events import defer, run_each_after_commit

#: The effect that publishes a message: its topic and its body.
PUBLISHED = "publish a message"
#: All topics that we publish on, after prefix and environment. A message that claims another one is not ours.
TOPICS = frozenset(
    (
        "hubs.user.created",
        "hubs.user.role.added",
        "hubs.user.role.changed",
        "hubs.user.role.removed",
        "hubs.hub.created",
        "hubs.hub.updated",
        "hubs.widget.created",
        "hubs.widget.updated",
        "hubs.widget.deleted",
    )
)
#: Failures after which a row is set aside, so that it does not hold up others.
MOST_ATTEMPTS = 10
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

    def connect(self) -> None:
        """Connect in the background, so that no message waits for it."""

    def close(self, timeout: float = 2.0) -> None:
        """Publish what still waits, for at most ``timeout`` seconds."""


#: What the bus, which everybody hears, is not told about things that not everybody may see.
_CONFIDENTIAL = ("agent", "username", "hub_name", "hub_url", "widget_label")


def record(
    session: Session, topic: str, body: dict[str, Any], about: Hub | Widget | None = None, *, quiet: bool = False
) -> None:
    """Note that the bus must hear ``topic`` with ``body`` when this transaction is committed, and who did it.

    What ``about`` is not public, or when the change is to be ``quiet``, the message names nobody and nothing: it says
    by numbers alone what the daemon must read again. The audit log, which is not public, has all of it.
    """
    hub = about.hub if isinstance(about, Widget) else about
    said = body
    if hub is not None and about is not None and (quiet or not _is_public(about)):
        said = {**body, **{name: "" for name in _CONFIDENTIAL if name in body}, "hub_id": hub.id}
    session.add(OutboxMessage(topic=topic, body=said, digest=digest(topic, said)))
    defer(session, PUBLISHED, (topic, said))
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
    """Publish what the sessions of ``database`` recorded, once they commit."""
    run_each_after_commit(database, PUBLISHED, lambda message: publisher.publish(*message))


def unhandled(session: Session, before: datetime, limit: int = 200) -> list[OutboxMessage]:
    """Return our messages from before a moment that the daemon has not heard on the bus, oldest first."""
    query = select(OutboxMessage).where(OutboxMessage.handled_at.is_(None), OutboxMessage.created_on < before)
    query = query.where(OutboxMessage.attempts < MOST_ATTEMPTS)
    return list(session.scalars(query.order_by(OutboxMessage.id).limit(limit)))


def mark_handled(session: Session, topic: str, body: dict[str, Any]) -> None:
    """Note that the daemon acted on a message of ours."""
    query = update(OutboxMessage).where(OutboxMessage.digest == digest(topic, body), OutboxMessage.handled_at.is_(None))
    session.execute(query.values(handled_at=now()))


def note_failure(session: Session, row_id: int) -> int:
    """Count a failed attempt to handle one of our messages; return how many there were."""
    query = update(OutboxMessage).where(OutboxMessage.id == row_id).values(attempts=OutboxMessage.attempts + 1)
    return session.scalar(query.returning(OutboxMessage.attempts)) or 0


def set_aside(session: Session) -> int:
    """Return how many of our messages could not be handled and are no longer tried."""
    query = select(func.count(OutboxMessage.id)).where(OutboxMessage.attempts >= MOST_ATTEMPTS)
    return session.scalar(query.where(OutboxMessage.handled_at.is_(None))) or 0


def unconfirmed(session: Session, since: datetime, limit: int) -> list[OutboxMessage]:
    """Return our messages since a time that the AMQP broker has not confirmed, oldest first.

    On PostgreSQL each row is locked for this transaction, so that of several daemons one publishes it.
    """
    query = select(OutboxMessage).where(OutboxMessage.confirmed_at.is_(None), OutboxMessage.created_on >= since)
    return list(session.scalars(query.order_by(OutboxMessage.id).limit(limit).with_for_update(skip_locked=True)))


def mark_confirmed(session: Session, rows: Iterable[OutboxMessage]) -> None:
    """Note that the AMQP broker confirmed our messages."""
    ids = [row.id for row in rows]
    if ids:
        session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(confirmed_at=now()))


def purge(session: Session) -> None:
    """Remove rows handled long ago."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.handled_at < now() - KEPT))


def _is_public(about: Hub | Widget) -> bool:
    return (about.audience if isinstance(about, Widget) else about.visibility) == Visibility.PUBLIC


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


def about_widget(session: Session, row: Widget, agent: str, changed: list[str], title: str) -> dict[str, Any]:
    """Return the fields of a message about a widget; ``title`` is the heading under which people know it."""
    return about_hub(session, row.hub, agent, changed_keys=changed, widget_id=row.id, widget_label=title)
