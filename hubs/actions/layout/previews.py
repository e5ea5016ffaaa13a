"""Previews of widgets with unsaved settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hubs.errors import InvalidInput, Unavailable
from hubs.fragments.side_jobs import BackgroundJobs, PreviewSpec
from hubs.fragments.store import Fragment
from hubs.models import Hub
from hubs.widgets.registry import WidgetType


@dataclass(frozen=True)
class Preview:
    """What there is to look at: a fragment; else it is still ``being_made``, or there is a ``problem`` to be told.

    Without any of them the settings cannot be accepted as they are.
    """

    fragment: Fragment | None = None
    being_made: bool = False
    problem: str = ""


def render(
    session: Session,
    orders: BackgroundJobs,
    hub: Hub,
    found: WidgetType,
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    title: str,
    side: str,
    locale: str,
) -> Preview:
    """Return how the widget looks under ``values``, which are stored nowhere.

    ``before`` are its present settings, which hold the secrets that nobody types again.
    """
    try:
        settings = found.schema.store(values, before)[0]
    except InvalidInput:
        return Preview()
    # Secrets are stored as something else each time, so the mark is made of what was typed.
    mark = orders.mark(hub, found.name, found.code, values, before, title, side)
    try:
        fragment = orders.preview(session, PreviewSpec(hub.id, found.name, title, side, settings, mark), locale)
    except Unavailable as error:
        return Preview(problem=str(error))
    return Preview(fragment, being_made=fragment is None)
