"""Webhooks of hubs, and the deliveries that arrived through them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Hub
from hubs.models.messages import BigKey


class Webhook(Base):
    """An address at which a service reports events, and the secret by which it proves who it is."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What its address ends with: long and random.
    address: Mapped[str] = mapped_column(String(64), unique=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), index=True)
    #: The kind of sender, by its key in `hubs.bus.webhooks`.
    service: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    #: Encrypted, as `hubs.widgets.secrets.SecretBox` does it.
    secret: Mapped[dict[str, Any]]
    #: The secret before the last rotation, good until the given time, so that the service can be changed meanwhile.
    former_secret: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    former_until: Mapped[datetime | None]
    #: What it may speak for: ``docs/handbook``, ``docs`` (and all that is in it), or ``*``.
    projects: Mapped[list[str]]
    created_by: Mapped[str] = mapped_column(String(64))
    created_on: Mapped[datetime] = mapped_column(default=now)

    hub: Mapped[Hub] = relationship()


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    HANDLED = "handled"
    #: It only checked the connection.
    PING = "ping"
    REFUSED = "refused"


class WebhookDelivery(Base):
    """One delivery. It is stored before it is acknowledged, and its body is removed once the daemon has handled it."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "number"),
        UniqueConstraint("webhook_id", "digest"),
        Index(None, "webhook_id", "received_at"),
        # The daemon looks for these every few seconds, among all that are kept.
        Index(
            "ix_webhook_deliveries_waiting",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)
    state: Mapped[DeliveryState] = mapped_column(
        Enum(
            DeliveryState,
            native_enum=False,
            create_constraint=True,
            length=16,
            name="state",
            values_callable=lambda names: [name.value for name in names],
        )
    )
    #: Fingerprints of the service's id of the delivery, and of the body where the signature does not cover that id.
    number: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[str | None] = mapped_column(String(64))
    #: The id of its message.
    msg_id: Mapped[str] = mapped_column(String(64), default="")
    #: The topic of its message, without prefix and environment.
    topic: Mapped[str] = mapped_column(String(255), default="")
    project: Mapped[str] = mapped_column(String(255), default="")
    size: Mapped[int] = mapped_column(default=0)
    #: Why it was refused: an English sentence that is translated where it is shown.
    reason: Mapped[str] = mapped_column(String(255), default="")
    #: The fields of the message while it waits.
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    webhook: Mapped[Webhook] = relationship()
