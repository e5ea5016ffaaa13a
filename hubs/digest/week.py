"""The meetings of the coming week on the calendars of hubs, as their widgets know them: no service is queried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hubs.clients.fedocal import Meeting
from hubs.digest.issues import request_missing
from hubs.fragments.store import FragmentStore
from hubs.models import Hub, Widget, now
from hubs.permissions import Person, visible_widgets
from hubs.widgets.meetings import Agenda, GetMeetings, Meetings

#: Most meetings that are shown, and most calendars that are looked at.
MEETINGS, CALENDARS = 4, 8


@dataclass(frozen=True)
class Week:
    """The first meetings, each with the hub whose calendar has it; ``has_calendar`` if any calendar is known."""

    meetings: Sequence[tuple[Meeting, Hub]]
    has_calendar: bool


def week(session: Session, fragments: FragmentStore, person: Person, hubs: Sequence[Hub]) -> Week:
    """Return the meetings of the coming seven days that a person may see on the calendars of ``hubs``.

    Widgets that have expired, or were never built, are built in the background, for later readers.
    """
    query = select(Widget).join(Widget.hub).where(visible_widgets(person), Widget.plugin == Meetings.name)
    query = query.where(Widget.hub_id.in_([hub.id for hub in hubs]))
    query = query.options(joinedload(Widget.hub), joinedload(Widget.page))
    rows = session.scalars(query.order_by(Hub.last_activity.desc().nulls_last(), Widget.id).limit(CALENDARS)).all()
    request_missing(fragments, rows)
    known = [(agenda, row.hub) for row in rows if isinstance(agenda := fragments.peek(row, GetMeetings), Agenda)]
    return Week(_coming(known), bool(known))


def _coming(agendas: Sequence[tuple[Agenda, Hub]]) -> Sequence[tuple[Meeting, Hub]]:
    present = now()
    # One that is on two calendars, or in two widgets, is shown once.
    meetings: dict[tuple[object, ...], tuple[Meeting, Hub]] = {}
    for agenda, hub in agendas:
        for meeting in agenda.meetings:
            if present <= meeting.end and meeting.start <= present + timedelta(days=7):
                meetings.setdefault((meeting.start, meeting.end, meeting.name), (meeting, hub))
    return sorted(meetings.values(), key=lambda entry: entry[0].start)[:MEETINGS]
