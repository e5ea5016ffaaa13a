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
    """A preview: a fragment, or ``being_made`` while it is rendered, or a ``problem``.

    All are empty if the settings are not valid.
    """

    fragment: Fragment | None = None
    being_made: bool = False
    problem: str = ""


def render(
    session: Session,
    jobs: BackgroundJobs,
    hub: Hub,
    widget_type: WidgetType,
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    title: str,
    side: str,
    locale: str,
) -> Preview:
    """Render a widget with the settings ``values``, without storing them.

    ``before`` are its current settings, from which secrets are taken that the form leaves empty.
    """
    try:
        settings = widget_type.schema.store(values, before)[0]
    except InvalidInput:
        return Preview()
    # Encrypting a secret gives a different text each time, so the mark is computed from the input.
    mark = jobs.mark(hub, widget_type.name, widget_type.code, values, before, title, side)
    try:
        fragment = jobs.preview(session, PreviewSpec(hub.id, widget_type.name, title, side, settings, mark), locale)
    except Unavailable as error:
        return Preview(problem=str(error))
    return Preview(fragment, being_made=fragment is None)
