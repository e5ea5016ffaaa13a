"""Sessions: one row per signed-in browser, so that each can be signed out."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.user import User


class SignIn(Base):
    """A signed-in browser; its cookie is valid only while the row exists."""

    __tablename__ = "sign_ins"

    #: SHA-256 of the key in the cookie, so that a leaked copy of the table cannot be used to sign in.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_on: Mapped[datetime] = mapped_column(default=now)
    expires_on: Mapped[datetime] = mapped_column(index=True)
    #: The session at the provider (its ``sid``), and the ID token, needed to sign out there; empty for local sign-in.
    provider_session: Mapped[str] = mapped_column(String(255), default="", index=True)
    id_token: Mapped[str] = mapped_column(Text, default="")

    user: Mapped[User] = relationship()
