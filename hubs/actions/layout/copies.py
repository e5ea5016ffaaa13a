"""Copies a widget of one hub into the person's draft of another hub that they own."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.actions import widgets
from hubs.actions.layout import drafts, edits
from hubs.actions.layout.documents import WidgetDocument
from hubs.models import Hub, RoleName
from hubs.permissions import Person, can
from hubs.widgets.registry import Registry

#: Most hubs that are offered.
MOST = 200


def targets(session: Session, person: Person, hub: Hub) -> list[Hub]:
    """Return the other hubs that a person owns and can edit now, by title."""
    query = select(Hub).where(Hub.id.in_(person.hubs_as(RoleName.OWNER)), Hub.id != hub.id).order_by(Hub.name)
    owned = [other for other in session.scalars(query.limit(MOST)) if can(person, "edit", other)]
    return sorted(owned, key=lambda other: other.title.casefold())


def copy(session: Session, registry: Registry, person: Person, widget: WidgetDocument, side: str, target: Hub) -> None:
    """Add a copy to the person's draft of ``target``, in the same zone if it fits there. Secrets are not copied.

    :raises InvalidInput: when the widget fits no zone of ``target``, or its settings are not valid.
    :raises Conflict: when ``target`` has the maximal number of widgets.
    """
    widget_type = widgets.installed(registry, widget.widget)
    document = drafts.view(session, registry, person, target).document
    zones = [zone for zone in (side, "left", "right", "below") if widget_type.fits(target.kind, zone)]
    settings = widget_type.schema.shown(widget.settings)
    zone = zones[0] if zones else side
    changed = edits.add(document, registry, zone, widget.widget, settings, widget.title, widget.visibility)
    drafts.put(session, registry, person, target, changed)
