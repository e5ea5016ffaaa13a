"""Requests to join a team, and invitations."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Hub
from hubs.models.user import RoleName, User, role_column

#: How long an invitation can be accepted.
INVITED = timedelta(days=30)


class RequestState(StrEnum):
    """The state of a request to join."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class JoinRequest(Base):
    """A person's request to join a hub, and the answer; asking again replaces it."""

    __tablename__ = "join_requests"

    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    #: From the person to the owners.
    message: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[RequestState] = mapped_column(
        Enum(
            RequestState,
            native_enum=False,
            create_constraint=True,
            length=16,
            name="state",
            values_callable=lambda names: [name.value for name in names],
        ),
        default=RequestState.PENDING,
    )
    #: From the owner who decided to the person.
    note: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    created_on: Mapped[datetime] = mapped_column(default=now)
    decided_on: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    hub: Mapped[Hub] = relationship()


class Invitation(Base):
    """A role on a hub that an owner offers to a person, until ``expires_on``."""

    __tablename__ = "invitations"

    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[RoleName] = mapped_column(role_column())
    message: Mapped[str] = mapped_column(Text, default="")
    invited_by: Mapped[str] = mapped_column(String(64), default="")
    created_on: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[datetime] = mapped_column(default=lambda: now() + INVITED)

    user: Mapped[User] = relationship()
    hub: Mapped[Hub] = relationship()
