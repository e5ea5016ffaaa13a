"""Content that programs push into widgets, and the tokens for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Widget
from hubs.models.people.tokens import BearerToken


class PushContent(Base):
    """The content that was last pushed into a widget."""

    __tablename__ = "push_contents"

    widget_id: Mapped[int] = mapped_column(ForeignKey("widgets.id", ondelete="CASCADE"), primary_key=True)
    content: Mapped[dict[str, Any]]
    #: Hash of the content; its ETag.
    digest: Mapped[str] = mapped_column(String(64))
    pushed_at: Mapped[datetime] = mapped_column(default=now)


class PushToken(BearerToken, Base):
    """A token that allows a program to fill one widget."""

    __tablename__ = "push_tokens"

    widget_id: Mapped[int] = mapped_column(ForeignKey("widgets.id", ondelete="CASCADE"), index=True)
    created_by: Mapped[str] = mapped_column(String(64))

    widget: Mapped[Widget] = relationship()
