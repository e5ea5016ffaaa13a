"""Revocations: from when on the stream tokens of a person, a browser or a hub are refused."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class Revocation(Base):
    """One revocation, written in the transaction of the change that it follows from."""

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: ``user:<id>``, ``hub:<id>`` or ``session:<fingerprint>``: what every token names that it is about.
    scope: Mapped[str] = mapped_column(String(128))
    created_on: Mapped[datetime] = mapped_column(default=now)
    #: Tokens that were issued until then are refused; empty until Redis confirmed it, which is after the commit: a
    #: request that was answered meanwhile may have read the rows from before the change.
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)
    #: When no token from before the revocation is good any more.
    expires_on: Mapped[datetime] = mapped_column(index=True)
