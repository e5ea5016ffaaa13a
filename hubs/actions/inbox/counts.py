"""Publishes the figures of people's inboxes after each commit that changes them, so that every open page follows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing
from hubs.actions.inbox_changes import CHANGED
from hubs.events.log import EventLog
from hubs.events.message import user_channel
from hubs.models import Database, Hub, Notice, Role
from hubs.models.session_events import after_commit

#: Columns of a hub that decide whether its notifications are shown.
_DECISIVE = ("visibility", "archived", "deleted_on")
#: Attempts to publish figures that stay true until they are out.
_ATTEMPTS = 5


def publish_after_commit(database: Database, events: EventLog) -> None:
    """Publish figures once the sessions of ``database`` commit changes of notifications, roles or visibility."""

    def publish(subjects: set[tuple[str, int]]) -> None:
        people = {number for kind, number in subjects if kind == "user"}
        hubs = {number for kind, number in subjects if kind == "hub"}
        database.read(lambda connection: _publish(connection, events, people, hubs))

    after_commit(database, _affected, publish, CHANGED)


def _publish(connection: Connection, events: EventLog, people: set[int], hubs: set[int]) -> None:
    if hubs:
        notified = connection.scalars(select(Notice.user_id).where(Notice.hub_id.in_(hubs)).distinct())
        people = people.union(notified)
    for user_id in sorted(people):
        _publish_figures(connection, events, user_id)


def _publish_figures(connection: Connection, events: EventLog, user_id: int) -> None:
    """Publish the current figures of one person's inbox.

    Another process may commit between reading and publishing, and its figures may be published first. So they are read
    again afterwards, and published again if they changed: the last figures that are published are true.
    """
    published = None
    for _attempt in range(_ATTEMPTS):
        figures = as_event(listing.counts_of(connection, user_id))
        if figures == published:
            return
        events.publish(user_channel(user_id), "notice", figures)
        published = figures


def as_event(figures: listing.Counts) -> dict[str, Any]:
    """Return figures as they are published: pages replace theirs by them."""
    hubs = sorted(figures.unread_hubs)
    return {"kind": "inbox", "count": figures.needs_you, "news": figures.news, "hubs": hubs}


def _affected(session: Session) -> Sequence[tuple[str, int]]:
    """Return the people whose roles, and the hubs whose visibility, a flush changes."""
    rows = (*session.new, *session.dirty, *session.deleted)
    people = [("user", row.user_id) for row in rows if isinstance(row, Role)]
    hubs = [row for row in session.dirty if isinstance(row, Hub)]
    return people + [("hub", hub.id) for hub in hubs if _is_decisive(hub)]


def _is_decisive(hub: Hub) -> bool:
    state = inspect(hub)
    return any(state.attrs[name].history.has_changes() for name in _DECISIVE)
