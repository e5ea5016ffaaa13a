"""What the inbox adds to the export of a person's data."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from hubs.actions.inbox import mutes
from hubs.actions.inbox.listing import concerns
from hubs.models import HelpClaim, Notice, SavedView
from hubs.permissions import Person

#: Most notifications in an export.
MOST = 10_000


def read(session: Session, person: Person) -> dict[str, Any]:
    """Return a person's notifications with their marks, mutes, saved views and offers to help."""
    query = select(Notice).join(Notice.hub).options(contains_eager(Notice.hub)).where(concerns(person))
    notices = session.scalars(query.order_by(Notice.moved_on.desc(), Notice.id.desc()).limit(MOST))
    views = select(SavedView).where(SavedView.user_id == person.id).order_by(SavedView.id)
    claims = select(HelpClaim).where(HelpClaim.user_id == person.id).order_by(HelpClaim.created_on)
    return {
        "notices": [_notice(notice) for notice in notices],
        "mutes": [{"scope": mute.scope.value, "value": mute.value} for mute in mutes.mine(session, person)],
        "saved_views": [
            {"place": view.place.value, "name": view.name, "query": view.query} for view in session.scalars(views)
        ],
        "offers_to_help": [
            {"message": claim.message_id, "since": claim.created_on.isoformat()} for claim in session.scalars(claims)
        ],
    }


def _notice(notice: Notice) -> dict[str, Any]:
    moments = {"done_on": notice.done_on, "snoozed_until": notice.snoozed_until}
    return {
        "hub": notice.hub.name,
        "kind": notice.kind.value,
        "reason": notice.reason.value,
        "needs_you": notice.needs_you,
        "subject": notice.subject,
        "about": notice.about,
        "at": notice.created_on.isoformat(),
        "read": notice.read,
        "saved": notice.saved,
        **{name: moment and moment.isoformat() for name, moment in moments.items()},
    }
