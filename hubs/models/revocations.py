"""Revocations of the stream tokens of a person, a browser or a hub."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class Revocation(Base):
    """A revocation, written in the transaction of the change that causes it."""

    __tablename__ = "revocations"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: ``user:<id>``, ``hub:<id>`` or ``session:<fingerprint>``; it affects the tokens that contain this scope.
    scope: Mapped[str] = mapped_column(String(128))
    created_on: Mapped[datetime] = mapped_column(default=now)
    #: Tokens issued up to this time are refused. Empty until Redis confirmed it, which is after the commit: a request
    #: that was answered in between may have read the rows from before the change.
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)
    #: When all tokens from before the revocation have expired.
    expires_on: Mapped[datetime] = mapped_column(index=True)
