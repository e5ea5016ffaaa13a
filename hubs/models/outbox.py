"""The transactional outbox: messages for the bus, written in the transaction of the change that they report."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class OutboxMessage(Base):
    """A message that Hubs publishes: its topic without prefix (``hubs.widget.updated``) and its fields."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "handled_at", "created_on"),
        Index(None, "digest"),
        Index(None, "confirmed_at", "created_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(128))
    body: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    created_on: Mapped[datetime] = mapped_column(default=now)
    handled_at: Mapped[datetime | None]
    #: Failed attempts to handle it.
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    #: When the AMQP broker confirmed it, if changes are published there.
    confirmed_at: Mapped[datetime | None]


def digest(topic: str, body: Mapping[str, Any]) -> str:
    """Return the fingerprint that matches a message received from the bus with its outbox row.

    Message ids cannot be used for that: fedmsg generates them when it publishes, and signs them.
    """
    canonical = json.dumps([topic, dict(body)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
