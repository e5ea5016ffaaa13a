"""Remembers whose inboxes a session changes; `hubs.actions.inbox.counts` publishes their figures after the commit."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from hubs.models import Notice
from hubs.models.session_events import defer, touch

#: The effect that publishes the figures of a person's inbox: ``user`` and their id.
CHANGED = "publish the figures of an inbox"


def changed(session: Session, user_ids: Iterable[int]) -> None:
    """Publish the figures of people's inboxes once the session commits, and discard their cached pages."""
    people = set(user_ids)
    touch(session, "user", people)
    defer(session, CHANGED, *(("user", user_id) for user_id in people))


def note_deletion(session: Session, message_ids: Select[int] | Iterable[int]) -> None:
    """Do as `changed` for everybody with a notification about messages that are about to be deleted with it."""
    about: ColumnElement[Any] = Notice.message_id.in_(message_ids)
    changed(session, session.scalars(select(Notice.user_id).where(about).distinct()))
