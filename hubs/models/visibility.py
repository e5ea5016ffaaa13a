"""Levels of visibility."""

from enum import StrEnum

from sqlalchemy import Enum


class Visibility(StrEnum):
    """Who may see a hub, a widget, or a person's activity; the widest level comes first."""

    PUBLIC = "public"
    SIGNED_IN = "signed-in"
    MEMBERS = "members"
    OWNERS = "owners"

    @property
    def rank(self) -> int:
        """How narrow the level is: 0 for everybody."""
        return tuple(Visibility).index(self)


def narrowest(*levels: Visibility | None) -> Visibility:
    """Return the narrowest of ``levels``; None, as in a row that is not stored yet, restricts nothing."""
    return max((level or Visibility.PUBLIC for level in levels), key=lambda level: level.rank)


def visibility_column(name: str = "visibility") -> Enum:
    """Return the type of a visibility column."""
    return Enum(
        Visibility,
        native_enum=False,
        create_constraint=True,
        length=16,
        name=name,
        values_callable=lambda levels: [level.value for level in levels],
    )
