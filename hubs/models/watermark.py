"""How far a source of messages has been read completely."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base


class Watermark(Base):
    """One source, such as ``history``: everything that it had up to ``complete_until`` is stored.

    The time is the source's own, never later than our clock. One daemon of several reads at a time: the one that holds
    the lease until ``leased_until``.
    """

    __tablename__ = "watermarks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    complete_until: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    #: Since when messages may be missing, and why; None where nothing is known to be missing.
    missing_since: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(64), default="")
