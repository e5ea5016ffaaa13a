"""Keys for other services, which a hub's widgets use."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hubs.models.base import Base, now
from hubs.models.hub import Hub


class HubKey(Base):
    """A key for one service at one host. It is sent to that host alone, and nobody can read it again."""

    __tablename__ = "hub_keys"
    __table_args__ = (UniqueConstraint("hub_id", "origin"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    #: Scheme, host and port of the service, such as ``https://discuss.example``.
    origin: Mapped[str] = mapped_column(String(255))
    #: Encrypted together with its origin, as `hubs.widgets.secrets.SecretBox` does it.
    secret: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(String(64))
    created_on: Mapped[datetime] = mapped_column(default=now)

    hub: Mapped[Hub] = relationship()
