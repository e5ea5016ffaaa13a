"""Bearer tokens: what machines and programs send along instead of a session. Only their fingerprints are kept."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.user import User


class BearerToken:
    """The columns of every kind of token: good until it expires or is revoked."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_on: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[datetime]
    revoked_on: Mapped[datetime | None]
    last_used: Mapped[datetime | None]

    @property
    def is_good(self) -> bool:
        """Whether it opens anything now."""
        return self.revoked_on is None and self.expires_on > now()


class Scope(StrEnum):
    """What a personal token is good for; who may write may also read."""

    READ = "read"
    WRITE = "write"


class PersonalToken(BearerToken, Base):
    """A token that lets a program use the API as the person who made it."""

    __tablename__ = "personal_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    scope: Mapped[Scope] = mapped_column(
        Enum(
            Scope,
            native_enum=False,
            create_constraint=True,
            length=8,
            name="scope",
            values_callable=lambda names: [name.value for name in names],
        ),
        default=Scope.READ,
    )

    user: Mapped[User] = relationship()
