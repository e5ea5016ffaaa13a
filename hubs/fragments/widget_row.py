"""Reads the row of a widget for its build, by a statement that is built once: each build begins with it."""

from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, joinedload

from hubs.models import Widget


def read(session: Session, widget_id: int) -> Widget | None:
    """Return a widget with its hub and its page; None if it was deleted."""
    return session.scalars(_statement(), {"widget_id": widget_id}).one_or_none()


@cache
def _statement() -> Select[Widget]:
    query = select(Widget).where(Widget.id == bindparam("widget_id"))
    return query.options(joinedload(Widget.hub), joinedload(Widget.page))
