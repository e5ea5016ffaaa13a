"""Publishes the figures of people's inboxes after each commit that changes them, so that every open page follows."""

import logging
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing
from hubs.actions.inbox_changes import CHANGED
from hubs.events.log import EventLog
from hubs.events.message import user_channel
from hubs.models import Database, Hub, Notice, Role, User
from hubs.models.session_events import after_commit
from hubs.permissions import person

log = logging.getLogger(__name__)

#: Columns of a hub that decide whether its notifications are shown.
_DECISIVE = ("visibility", "archived", "deleted_on")
#: Attempts to publish figures that stay true until they are out.
_ATTEMPTS = 5
#: The roles of a person as columns, which take less time than objects; a row without a hub for a person without any.
_ROLES = select(User.username, Role.hub_id, Role.role).outerjoin(User.roles).where(User.id == bindparam("user"))


def publish_after_commit(database: Database, events: EventLog) -> None:
    """Publish figures once the sessions of ``database`` commit changes of notifications, roles or visibility."""

    def publish(subjects: set[tuple[str, int]]) -> None:
        with database.session() as session:
            people = {number for kind, number in subjects if kind == "user"}
            hubs = {number for kind, number in subjects if kind == "hub"}
            if hubs:
                people |= set(session.scalars(select(Notice.user_id).where(Notice.hub_id.in_(hubs)).distinct()))
        for user_id in sorted(people):
            publish_figures(database, events, user_id)

    after_commit(database, _affected, publish, CHANGED)


def publish_figures(database: Database, events: EventLog, user_id: int) -> None:
    """Publish the current figures of one person's inbox.

    Another process may commit between reading and publishing, and its figures may be published first. So they are read
    again afterwards, and published again if they changed: the last figures that are published are true.
    """
    published = None
    for _attempt in range(_ATTEMPTS):
        figures = _figures(database, user_id)
        if figures is None or figures == published:
            return
        events.publish(user_channel(user_id), "notice", figures)
        published = figures


def as_event(figures: listing.Counts) -> dict[str, Any]:
    """Return figures as they are published: pages replace theirs by them."""
    hubs = sorted(figures.unread_hubs)
    return {"kind": "inbox", "count": figures.needs_you, "news": figures.news, "hubs": hubs}


def _figures(database: Database, user_id: int) -> dict[str, Any] | None:
    with database.session() as session:
        rows = session.execute(_ROLES, {"user": user_id}).all()
        if not rows:
            return None
        roles = cast("list[Role]", [row for row in rows if row.hub_id is not None])
        return as_event(listing.counts(session, person(user_id, rows[0].username, roles)))


def _affected(session: Session) -> Sequence[tuple[str, int]]:
    """Return the people whose roles, and the hubs whose visibility, a flush changes."""
    rows = (*session.new, *session.dirty, *session.deleted)
    people = [("user", row.user_id) for row in rows if isinstance(row, Role)]
    hubs = [row for row in session.dirty if isinstance(row, Hub)]
    return people + [("hub", hub.id) for hub in hubs if _is_decisive(hub)]


def _is_decisive(hub: Hub) -> bool:
    state = inspect(hub)
    return any(state.attrs[name].history.has_changes() for name in _DECISIVE)
