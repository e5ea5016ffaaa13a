"""Stored bus messages, for feeds and charts, with the people and packages that they name."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, ForeignKey, Index, Integer, String, Text, and_, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now

# SQLite generates ids only for INTEGER primary keys.
BigKey = BigInteger().with_variant(Integer(), "sqlite")
_MARK = "hub:"


def _received(context: DefaultExecutionContext) -> datetime:
    """Return the default of ``received_at``: when the message was sent, but never later than now."""
    sent: datetime | None = context.get_current_parameters().get("sent_at")  # type: ignore[no-untyped-call]
    return min(sent or now(), now())


class StoredMessage(Base):
    """A message; duplicates are stored once."""

    __tablename__ = "messages"
    # Some widgets read one category whatever people it names; scanning everything since then would take seconds.
    __table_args__ = (
        Index(None, "category", "sent_at"),
        Index(
            "ix_messages_about_hub_id",
            "about_hub_id",
            sqlite_where=text("about_hub_id IS NOT NULL"),
            postgresql_where=text("about_hub_id IS NOT NULL"),
        ),
        # For the end of a hub: most messages have none.
        Index(
            "ix_messages_hub_id",
            "hub_id",
            sqlite_where=text("hub_id IS NOT NULL"),
            postgresql_where=text("hub_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    msg_id: Mapped[str] = mapped_column(String(64), unique=True)
    topic: Mapped[str] = mapped_column(String(255))
    category: Mapped[str] = mapped_column(String(64))
    #: By the sender's clock, capped at the time of receipt; only for display.
    sent_at: Mapped[datetime]
    #: By our clock; orders messages and decides when they are removed.
    received_at: Mapped[datetime] = mapped_column(default=_received, index=True)
    #: What happened, from `hubs.activities.activity.Activity.as_row`; None if no reader understands the message.
    activity: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Shown if there is no activity: a sentence in English, and https:// or http:// addresses.
    sentence: Mapped[str] = mapped_column(Text, default="")
    link: Mapped[str] = mapped_column(String(1024), default="")
    icon: Mapped[str] = mapped_column(String(1024), default="")
    #: The hub that one of our own messages is about. Not a foreign key: messages can arrive after their hub is gone.
    about_hub_id: Mapped[int | None]
    #: The hub whose webhook reported it: only that hub shows it. None for messages of the bus.
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    #: The fields of the message; None if they were too large to keep.
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    people: Mapped[list["MessagePerson"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    packages: Mapped[list["MessagePackage"]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class RefusedMessage(Base):
    """A message that was refused, kept for some days with the reason; ``body`` is truncated."""

    __tablename__ = "refused_messages"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)
    origin: Mapped[str] = mapped_column(String(16))
    topic: Mapped[str] = mapped_column(String(255))
    msg_id: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(255))
    body: Mapped[str] = mapped_column(Text)


def hub_mark(hub_id: int) -> str:
    """Return what stands in the place of a username for a hub whose webhook reported a message.

    It has a colon, which no username has.
    """
    return f"{_MARK}{hub_id}"


def is_hub_mark(username: str) -> bool:
    """Return whether a name is a `hub_mark`."""
    return username.startswith(_MARK)


def is_message(message_id: Any, received_at: Any) -> ColumnElement[bool]:
    """Return the condition that these columns of another row name a stored message.

    The id alone would do; the time of receipt tells PostgreSQL in which month the message is.
    """
    return and_(StoredMessage.id == message_id, StoredMessage.received_at == received_at)


class MessagePerson(Base):
    """A person that a message names; times, category and hub are copied here, so that a feed needs one index.

    A message of a webhook also has a row for its hub, with `hub_mark` as the name: it may name nobody.
    """

    __tablename__ = "message_people"
    __table_args__ = (Index(None, "username", "received_at"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=_received)
    category: Mapped[str] = mapped_column(String(64))
    hub_id: Mapped[int | None]


class MessagePackage(Base):
    """A package that a message names."""

    __tablename__ = "message_packages"
    __table_args__ = (Index(None, "package", "sent_at"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    package: Mapped[str] = mapped_column(String(255), primary_key=True)
    sent_at: Mapped[datetime]
    #: None for messages that were stored before there was this column, and are not partitioned.
    received_at: Mapped[datetime | None] = mapped_column(default=_received)
