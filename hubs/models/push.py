"""What machines push into widgets, and the tokens that let them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Widget


class PushContent(Base):
    """What a machine last put into a widget."""

    __tablename__ = "push_contents"

    widget_id: Mapped[int] = mapped_column(ForeignKey("widgets.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]]
    #: Fingerprint of the content: its ETag.
    digest: Mapped[str] = mapped_column(String(64))
    pushed_at: Mapped[datetime] = mapped_column(default=now)


class PushToken(Base):
    """A token that lets a machine fill one widget until it expires or is revoked; only its fingerprint is kept."""

    __tablename__ = "push_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    widget_id: Mapped[int] = mapped_column(ForeignKey("widgets.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_by: Mapped[str] = mapped_column(String(64))
    created_on: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[datetime]
    revoked_on: Mapped[datetime | None]
    last_used: Mapped[datetime | None]

    widget: Mapped[Widget] = relationship()
