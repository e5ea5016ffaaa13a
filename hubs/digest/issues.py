"""Issues to begin with, as the widgets of open tasks know them: nothing is requested while a person waits."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubs.clients.forges.tickets import Ticket
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget
from hubs.permissions import Person, visible_widgets
from hubs.widgets.tasks import GetTasks, Tasks, shown

#: Most widgets that are looked at, and most issues of each.
WIDGETS, EACH = 12, 20


@dataclass(frozen=True)
class Issue:
    """An open issue, and the hub whose widget lists it."""

    ticket: Ticket
    hub: Hub


def issues(session: Session, fragments: FragmentStore, person: Person) -> list[Issue]:
    """Return issues that a person may see: those of their own hubs first, then the last changed ones.

    Widgets that have expired, or were never built, are built in the background, for later readers.
    """
    query = select(Widget).join(Widget.hub).where(visible_widgets(person))
    query = query.options(joinedload(Widget.hub), joinedload(Widget.page))
    query = query.where(Widget.plugin == Tasks.name, Hub.archived.is_(False))
    rows = session.scalars(query.order_by(Hub.last_activity.desc().nulls_last(), Widget.id).limit(WIDGETS)).all()
    request_missing(fragments, rows)
    unique: dict[tuple[str, str, str], Issue] = {}
    for row in rows:
        tasks = fragments.peek(row, GetTasks)
        for ticket in shown(row, tasks)[:EACH] if tasks else ():
            unique.setdefault((ticket.url, ticket.project, ticket.number), Issue(ticket, row.hub))
    return sorted(unique.values(), key=lambda issue: _rank(issue, person))


def request_missing(fragments: FragmentStore, rows: Sequence[Widget]) -> None:
    """Request builds: reading fragments does so for expired ones, but not for those that are missing."""
    present = fragments.read_many(rows)
    missing = [row.id for row in rows if row.id not in present]
    if missing and fragments.on_due is not None:
        fragments.on_due(missing)


def _rank(issue: Issue, person: Person) -> tuple[bool, float]:
    return issue.hub.id not in person.roles, -issue.ticket.updated.timestamp()
