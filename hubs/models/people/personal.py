"""A person's bookmarks, notifications, and marks on messages of their stream."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Hub
from hubs.models.messages import BigKey, StoredMessage


class NoticeKind(StrEnum):
    """Kinds of notifications."""

    MENTION = "mention"
    JOIN_REQUEST = "join-request"
    APPROVED = "request-approved"
    DENIED = "request-denied"
    INVITATION = "invitation"


class Bookmark(Base):
    """The position of a hub among a person's bookmarks; hubs on which they have a role appear without a row too."""

    __tablename__ = "bookmarks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)
    #: Whether the person removed the bookmark of a hub on which they have a role.
    hidden: Mapped[bool] = mapped_column(default=False)


class Notice(Base):
    """A notification: something on a hub that concerns a person; read once they open the hub or mark it as read."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "user_id", "read"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), index=True)
    kind: Mapped[NoticeKind] = mapped_column(
        Enum(
            NoticeKind,
            native_enum=False,
            create_constraint=True,
            length=24,
            name="kind",
            values_callable=lambda kinds: [kind.value for kind in kinds],
        )
    )
    #: The username of the person who asked, answered or invited; empty for mentions.
    about: Mapped[str] = mapped_column(String(64), default="")
    #: The message that mentions the person.
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    created_on: Mapped[datetime] = mapped_column(default=now, index=True)
    read: Mapped[bool] = mapped_column(default=False)

    hub: Mapped[Hub] = relationship()
    message: Mapped[StoredMessage | None] = relationship()


class StreamMark(Base):
    """A mark of a person on a message of their stream: saved, or hidden."""

    __tablename__ = "stream_marks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, index=True)
    saved: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)
    created_on: Mapped[datetime] = mapped_column(default=now)
