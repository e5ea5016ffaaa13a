"""What the home page remembers about a person: when they were here, and how far their first steps are."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hubs.models.base import Base, now


class FirstSteps(StrEnum):
    """Whether the card of first steps is shown: until it is dismissed, or never to accounts older than the card."""

    OPEN = "open"
    DISMISSED = "dismissed"
    COMPLETED = "completed"


class HomeState(Base):
    """The state of a person's home page; without a row the person is new."""

    __tablename__ = "home_states"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    #: The last visit, to within some minutes.
    visited_on: Mapped[datetime] = mapped_column(default=now)
    #: The absence that the page summarises until the person marks it as seen.
    away_since: Mapped[datetime | None]
    away_until: Mapped[datetime | None]
    first_steps: Mapped[FirstSteps] = mapped_column(
        Enum(
            FirstSteps,
            native_enum=False,
            create_constraint=True,
            length=16,
            name="first_steps",
            values_callable=lambda states: [state.value for state in states],
        ),
        default=FirstSteps.OPEN,
    )
