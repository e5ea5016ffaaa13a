"""People, and their roles on hubs."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Enum, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.visibility import Visibility, visibility_column

if TYPE_CHECKING:
    from hubs.models.hub import Hub


class RoleName(StrEnum):
    """The roles on a hub; a person can have several at once."""

    OWNER = "owner"
    MEMBER = "member"
    SUBSCRIBER = "subscriber"
    STARGAZER = "stargazer"


def role_column() -> Enum:
    """Return the type of a role column."""
    return Enum(
        RoleName,
        native_enum=False,
        create_constraint=True,
        length=16,
        name="role",
        values_callable=lambda names: [name.value for name in names],
    )


class User(Base):
    """An account."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    fullname: Mapped[str] = mapped_column(String(255), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    locale: Mapped[str] = mapped_column(String(16), default="")
    #: The person's identity at an OpenID provider; None for accounts that are not linked to one.
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    #: Who may see the person's activity.
    activity: Mapped[Visibility] = mapped_column(visibility_column("activity"), default=Visibility.PUBLIC, index=True)
    #: Whether lists of people leave the person out; owners of a team are always listed.
    unlisted: Mapped[bool] = mapped_column(default=False)
    #: Whether the bus message omits the person's name when they stop following a hub.
    quiet_unfollow: Mapped[bool] = mapped_column(default=True)
    #: Digest of the person's picture (`hubs.models.pictures`); empty if there is none.
    picture: Mapped[str] = mapped_column(String(32), default="", server_default="")
    about: Mapped[str] = mapped_column(Text, default="")
    created_on: Mapped[datetime] = mapped_column(default=now)
    last_active: Mapped[datetime | None]

    roles: Mapped[list["Role"]] = relationship(back_populates="user", cascade="all, delete-orphan")

    @property
    def name(self) -> str:
        """The full name, or the username if there is none."""
        return self.fullname or self.username


class Role(Base):
    """One role of one person on one hub."""

    __tablename__ = "roles"

    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[RoleName] = mapped_column(role_column(), primary_key=True)
    created_on: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship(back_populates="roles")
    hub: Mapped["Hub"] = relationship(back_populates="roles")
