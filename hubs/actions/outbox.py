"""The outbox: messages are rows in the transaction of the change, and are published after the commit."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hubs import logs, urls
from hubs.models import AuditEntry, Database, Hub, OutboxMessage, Visibility, Widget, digest, now
from hubs.models.session_events import defer, run_each_after_commit

log = logging.getLogger(__name__)

#: The effect that publishes a message: its topic and its body.
PUBLISHED = "publish a message"
#: All topics that Hubs publishes on, without prefix and environment. Messages on other topics are not ours.
TOPICS = frozenset(
    (
        "hubs.user.created",
        "hubs.user.role.added",
        "hubs.user.role.changed",
        "hubs.user.role.removed",
        "hubs.help.updated",
        "hubs.hub.created",
        "hubs.hub.updated",
        "hubs.widget.created",
        "hubs.widget.updated",
        "hubs.widget.deleted",
    )
)
#: Failures after which a row is set aside, so that it does not block others.
MOST_ATTEMPTS = 10
#: Key of ``Session.info``: the ids of the changed hubs, with the agent.
CHANGED = "changed hubs"
#: Key of ``Session.info``: the origin of the changes, an address, ``cli`` or ``bus``.
ORIGIN = "origin"
_SUBJECT = (logs.REQUEST_ID, "agent", "hub_id", "hub_name", "hub_type", "hub_url")
#: How long handled rows are kept, for troubleshooting.
KEPT = timedelta(days=7)


class Publishes(Protocol):
    """A publisher of messages."""

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Queue a message and return at once."""

    def connect(self) -> None:
        """Connect in the background, so that the first message does not wait for it."""

    def close(self, timeout: float = 2.0) -> None:
        """Publish the queued messages, for at most ``timeout`` seconds."""


#: Fields that are emptied in messages about non-public hubs and widgets, since the bus is public.
_CONFIDENTIAL = ("agent", "username", "hub_name", "hub_url", "widget_label")


def record(
    session: Session,
    topic: str,
    body: dict[str, Any],
    about: Hub | Widget | None = None,
    *,
    quiet: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Publish ``body`` under ``topic`` once this transaction is committed, and write the audit log.

    If ``about`` is not public, or the change is to be ``quiet``, the message contains no names, only the ids that the
    daemon needs to reload the rows. The audit log, which is not public, has all fields, and ``detail``.
    """
    hub = about.hub if isinstance(about, Widget) else about
    if number := logs.request_id():
        body = {**body, logs.REQUEST_ID: number}
    public_body = body
    if hub is not None and about is not None and (quiet or not _is_public(about)):
        public_body = {**body, **{name: "" for name in _CONFIDENTIAL if name in body}, "hub_id": hub.id}
    publish(session, topic, public_body)
    agent = body.get("agent", "")
    session.add(
        AuditEntry(
            agent=agent,
            origin=session.info.get(ORIGIN, ""),
            action=topic,
            hub_id=hub.id if hub else None,
            hub_name=hub.name if hub else "",
            detail={name: value for name, value in body.items() if name not in _SUBJECT} | dict(detail or {}),
        )
    )
    if hub is not None and not topic.startswith("hubs.user."):
        session.info.setdefault(CHANGED, {})[hub.id] = agent


def publish(session: Session, topic: str, body: dict[str, Any]) -> None:
    """Publish ``body`` under ``topic`` once this transaction is committed, without an entry in the audit log."""
    session.add(OutboxMessage(topic=topic, body=body, digest=digest(topic, body)))
    defer(session, PUBLISHED, (topic, body))


def publish_after_commit(database: Database, publisher: Publishes) -> None:
    """Publish the messages that sessions of ``database`` recorded, after they commit."""

    def publish(message: tuple[str, dict[str, Any]]) -> None:
        logs.trace(log, "%s is published", message[0])
        publisher.publish(*message)

    run_each_after_commit(database, PUBLISHED, publish)


def unhandled(session: Session, before: datetime, limit: int = 200) -> list[OutboxMessage]:
    """Return our messages from before a time that the daemon has not received from the bus, oldest first."""
    query = select(OutboxMessage).where(OutboxMessage.handled_at.is_(None), OutboxMessage.created_on < before)
    query = query.where(OutboxMessage.attempts < MOST_ATTEMPTS)
    return list(session.scalars(query.order_by(OutboxMessage.id).limit(limit)))


def mark_handled(session: Session, topic: str, body: dict[str, Any]) -> None:
    """Record that the daemon handled one of our messages."""
    query = update(OutboxMessage).where(OutboxMessage.digest == digest(topic, body), OutboxMessage.handled_at.is_(None))
    session.execute(query.values(handled_at=now()))


def note_failure(session: Session, row_id: int) -> int:
    """Count a failed attempt to handle one of our messages; return how many there were."""
    query = update(OutboxMessage).where(OutboxMessage.id == row_id).values(attempts=OutboxMessage.attempts + 1)
    return session.scalar(query.returning(OutboxMessage.attempts)) or 0


def set_aside(session: Session) -> int:
    """Return how many of our messages failed so often that they are no longer tried."""
    query = select(func.count(OutboxMessage.id)).where(OutboxMessage.attempts >= MOST_ATTEMPTS)
    return session.scalar(query.where(OutboxMessage.handled_at.is_(None))) or 0


def unconfirmed(session: Session, since: datetime, limit: int) -> list[OutboxMessage]:
    """Return our messages since a time that the AMQP broker has not confirmed, oldest first.

    On PostgreSQL each row is locked for this transaction, so that of several daemons one publishes it.
    """
    query = select(OutboxMessage).where(OutboxMessage.confirmed_at.is_(None), OutboxMessage.created_on >= since)
    return list(session.scalars(query.order_by(OutboxMessage.id).limit(limit).with_for_update(skip_locked=True)))


def mark_confirmed(session: Session, rows: Iterable[OutboxMessage]) -> None:
    """Record that the AMQP broker confirmed our messages."""
    ids = [row.id for row in rows]
    if ids:
        session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(confirmed_at=now()))


def purge(session: Session) -> None:
    """Delete rows that were handled more than `KEPT` ago."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.handled_at < now() - KEPT))


def _is_public(about: Hub | Widget) -> bool:
    return (about.audience if isinstance(about, Widget) else about.visibility) == Visibility.PUBLIC


def about_hub(session: Session, hub: Hub, agent: str, **more: Any) -> dict[str, Any]:
    """Return the fields that all messages about a hub share."""
    return {
        "agent": agent,
        "hub_id": hub.id,
        "hub_name": hub.name,
        "hub_type": hub.kind,
        "hub_url": session.info.get("site_url", "") + urls.hub(hub.kind, hub.name),
        **more,
    }


def about_widget(session: Session, row: Widget, agent: str, changed: list[str], title: str) -> dict[str, Any]:
    """Return the fields of a message about a widget; ``title`` is its heading."""
    return about_hub(session, row.hub, agent, changed_keys=changed, widget_id=row.id, widget_label=title)
