"""Watermarks: up to when a source of messages has been read completely."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base

#: The mark that is no source's: when messages were last deleted because somebody must not see them any more.
DELETIONS = "deletions"


class Watermark(Base):
    """A source, such as ``history``: all its messages up to ``complete_until`` are stored.

    The time is by the source's clock, capped at ours. With several daemons, only the one that holds the lease
    (until ``leased_until``) reads the source.
    """

    __tablename__ = "watermarks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    complete_until: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    #: Since when messages may be missing, and why; None if none are known to be missing.
    missing_since: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(64), default="")
