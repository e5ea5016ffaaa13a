"""A person's bookmarks, and their marks on messages of their stream."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class Bookmark(Base):
    """The position of a hub among a person's bookmarks; hubs on which they have a role appear without a row too."""

    __tablename__ = "bookmarks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int] = mapped_column(default=0)
    #: Whether the person removed the bookmark of a hub on which they have a role.
    hidden: Mapped[bool] = mapped_column(default=False)


class StreamMark(Base):
    """A mark of a person on a message of their stream: saved, or hidden."""

    __tablename__ = "stream_marks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, index=True)
    saved: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)
    created_on: Mapped[datetime] = mapped_column(default=now)
