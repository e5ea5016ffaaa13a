"""Bearer tokens, which programs send instead of a session cookie. Only their hashes are stored."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.user import User


class BearerToken:
    """The columns that all kinds of tokens share. A token is valid until it expires or is revoked."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_on: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[datetime]
    revoked_on: Mapped[datetime | None]
    last_used: Mapped[datetime | None]

    @property
    def is_good(self) -> bool:
        """Whether the token is valid now."""
        return self.revoked_on is None and self.expires_on > now()


class Scope(StrEnum):
    """What a personal token permits; ``write`` includes ``read``."""

    READ = "read"
    WRITE = "write"


class PersonalToken(BearerToken, Base):
    """A token that allows a program to use the API as the person who created it."""

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
