"""Saved views: filters of the inbox or the stream under a name."""

from urllib.parse import parse_qsl, urlencode

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hubs.errors import Conflict, InvalidInput
from hubs.i18n import _
from hubs.models import SavedView, ViewPlace, visible_text
from hubs.permissions import Person

#: Most saved views of a person, as GitHub has it.
MOST = 15
#: The filters that a view keeps.
FILTERS = {ViewPlace.INBOX: ("box", "hub", "reason", "person"), ViewPlace.STREAM: ("show", "kind", "person", "hub")}


def save(session: Session, person: Person, place: ViewPlace, name: str, query: str) -> SavedView:
    """Save filters under a name; the same name replaces an older view."""
    name = visible_text.clean_name(name)[:64]
    if not name:
        raise InvalidInput(_("Please write a name."))
    view = session.scalars(
        select(SavedView).where(SavedView.user_id == person.id, SavedView.place == place, SavedView.name == name)
    ).first()
    if view is None:
        number = select(func.count()).select_from(SavedView).where(SavedView.user_id == person.id)
        if (session.scalar(number) or 0) >= MOST:
            raise Conflict(_("You can save at most %(most)s views. Remove one first.") % {"most": MOST})
        view = SavedView(user_id=person.id, place=place, name=name)
        session.add(view)
    view.query = urlencode(parse(query, place))
    session.flush()
    return view


def parse(query: str, place: ViewPlace) -> list[tuple[str, str]]:
    """Return the filters in the query of an address; everything else is left out."""
    return [(key, value) for key, value in parse_qsl(query[:1000]) if key in FILTERS[place] and len(value) <= 64]


def remove(session: Session, person: Person, view_id: int) -> None:
    """Remove a saved view."""
    session.execute(delete(SavedView).where(SavedView.user_id == person.id, SavedView.id == view_id))


def mine(session: Session, person: Person, place: ViewPlace) -> list[SavedView]:
    """Return a person's saved views of one page, by name."""
    query = select(SavedView).where(SavedView.user_id == person.id, SavedView.place == place)
    return list(session.scalars(query.order_by(SavedView.name)))
