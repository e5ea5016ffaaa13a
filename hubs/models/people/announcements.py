"""Announcements, the hubs whose members they are for, and the people who dismissed them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class Announcement(Base):
    """An announcement to everyone, or to the members of hubs, shown from ``starts_on`` until ``ends_on``."""

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(160))
    #: In Markdown.
    text: Mapped[str] = mapped_column(Text, default="")
    link: Mapped[str] = mapped_column(String(1024), default="")
    #: Whether it is for everyone here. Stated, since the rows of hubs go with their hubs.
    everyone: Mapped[bool] = mapped_column(default=False)
    #: Whether visitors see it, and other people who see the hub.
    public: Mapped[bool] = mapped_column(default=False)
    starts_on: Mapped[datetime]
    ends_on: Mapped[datetime] = mapped_column(index=True)
    created_by: Mapped[str] = mapped_column(String(64), default="")
    created_on: Mapped[datetime] = mapped_column(default=now)


class AnnouncementHub(Base):
    """A hub whose members an announcement is for."""

    __tablename__ = "announcement_hubs"

    announcement_id: Mapped[int] = mapped_column(ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True, index=True)


class AnnouncementMark(Base):
    """A person who dismissed an announcement."""

    __tablename__ = "announcement_marks"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    announcement_id: Mapped[int] = mapped_column(
        ForeignKey("announcements.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    dismissed_on: Mapped[datetime] = mapped_column(default=now)
