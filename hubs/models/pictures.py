"""Pictures that people upload, of themselves and of their hubs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class PictureKind(StrEnum):
    """What a picture is: of a person, the emblem of a hub, or behind its banner."""

    AVATAR = "avatar"
    EMBLEM = "emblem"
    COVER = "cover"


class Picture(Base):
    """A picture, encoded by us; it is deleted with its person or hub."""

    __tablename__ = "pictures"
    __table_args__ = (
        UniqueConstraint("user_id", "kind"),
        UniqueConstraint("hub_id", "kind"),
        CheckConstraint("(user_id IS NULL) <> (hub_id IS NULL)", name="owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PictureKind] = mapped_column(
        Enum(
            PictureKind,
            native_enum=False,
            create_constraint=True,
            length=16,
            name="kind",
            values_callable=lambda kinds: [kind.value for kind in kinds],
        )
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    hub_id: Mapped[int | None] = mapped_column(ForeignKey("hubs.id", ondelete="CASCADE"))
    #: Hash of the content, and the name of its address; the row of the owner has it too.
    digest: Mapped[str] = mapped_column(String(32), index=True)
    #: WebP.
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_on: Mapped[datetime] = mapped_column(default=now)
