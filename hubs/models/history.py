"""What was changed: who did it, when and from where; and what each hub looked like after it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class AuditEntry(Base):
    """One thing that somebody did. It outlives the hub that it was done to."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "hub_id", "at"), Index(None, "agent", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    #: The account's name; empty for what the instance does by itself.
    agent: Mapped[str] = mapped_column(String(64), default="")
    #: The address that it came from, or ``cli``, ``bus``; empty where nobody can tell.
    origin: Mapped[str] = mapped_column(String(64), default="")
    #: The name of the message that told the bus: ``hubs.widget.updated``.
    action: Mapped[str] = mapped_column(String(64))
    #: No foreign key: what was done to a hub is known after the hub is gone.
    hub_id: Mapped[int | None]
    hub_name: Mapped[str] = mapped_column(String(64), default="")
    #: The further fields of that message.
    detail: Mapped[dict[str, Any]]


class Revision(Base):
    """A hub's record and layout after a change, as a document; see `hubs.actions.layout.documents`."""

    __tablename__ = "revisions"
    __table_args__ = (Index(None, "hub_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)
    agent: Mapped[str] = mapped_column(String(64), default="")
    document: Mapped[dict[str, Any]]


class Draft(Base):
    """A new layout of a hub that one person is working on, with the steps that led to it; all documents."""

    __tablename__ = "drafts"

    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    #: What the hub looked like when the person began.
    base: Mapped[dict[str, Any]]
    #: What it looked like after each step; ``at`` is the step that is shown, later ones can be done again.
    steps: Mapped[list[Any]] = mapped_column(JSON)
    at: Mapped[int] = mapped_column(default=0)
    updated_on: Mapped[datetime] = mapped_column(default=now, onupdate=now)
