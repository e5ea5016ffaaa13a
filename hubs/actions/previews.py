"""What a widget would look like with settings that nobody has saved."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from hubs.errors import InvalidInput
from hubs.models import Hub, Widget
from hubs.widgets.fragments import Fragment, Fragments
from hubs.widgets.registry import WidgetType


def render(
    session: Session,
    fragments: Fragments,
    hub: Hub,
    found: WidgetType,
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    title: str,
    side: str,
    locale: str,
) -> Fragment | None:
    """Return the widget's fragment under ``values``, which is stored nowhere; None where they cannot be accepted.

    ``before`` are its present settings, which hold the secrets that nobody types again.
    """
    try:
        settings = found.schema.store(values, before)[0]
    except InvalidInput:
        return None
    with session.no_autoflush:  # the row is only there to be looked at, and must never reach the database
        row = Widget(id=0, key="preview", plugin=found.name, label=title, side=side, settings=settings, version=0)
        row.hub_id = hub.id
        session.add(row)
        try:
            row.__dict__["hub"] = hub
            return fragments.preview(row, locale)
        finally:
            session.expunge(row)
