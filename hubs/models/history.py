"""The audit log, the revisions of hubs, and drafts."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class AuditEntry(Base):
    """One action. The entry outlives the hub that it concerns."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "hub_id", "at"), Index(None, "agent", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    #: The account's name; empty for automatic actions of the instance.
    agent: Mapped[str] = mapped_column(String(64), default="")
    #: The client's address, or ``cli``, ``bus``; empty if unknown.
    origin: Mapped[str] = mapped_column(String(64), default="")
    #: The name of the bus message about the action: ``hubs.widget.updated``.
    action: Mapped[str] = mapped_column(String(64))
    #: Not a foreign key, since entries outlive their hub.
    hub_id: Mapped[int | None]
    hub_name: Mapped[str] = mapped_column(String(64), default="")
    #: The other fields of that message.
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
    """Unsaved changes of one person to a hub, with the undo history; each step is a whole document."""

    __tablename__ = "drafts"

    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    #: The hub when the draft was started.
    base: Mapped[dict[str, Any]]
    #: The hub after each step; ``at`` is the current step, later ones can be redone.
    steps: Mapped[list[Any]] = mapped_column(JSON)
    at: Mapped[int] = mapped_column(default=0)
    updated_on: Mapped[datetime] = mapped_column(default=now, onupdate=now)
