"""Removes the name of a deleted account from the data that is kept."""

import re
from typing import Any

from sqlalchemy import String, cast, delete, select, update
from sqlalchemy.orm import Session

from hubs.actions import watermarks
from hubs.actions.inbox_changes import changed, note_deletion
from hubs.models import (
    Announcement,
    AuditEntry,
    Base,
    HubKey,
    Invitation,
    JoinRequest,
    MessagePerson,
    MuteScope,
    Notice,
    NoticeMute,
    PushToken,
    Revision,
    StoredMessage,
    Webhook,
)

#: Columns that contain the username of an agent.
_COLUMNS: tuple[tuple[type[Base], str], ...] = (
    (Revision, "agent"),
    (Invitation, "invited_by"),
    (JoinRequest, "decided_by"),
    (Notice, "resolved_by"),
    (Notice, "taken_by"),
    (PushToken, "created_by"),
    (Webhook, "created_by"),
    (HubKey, "created_by"),
    (Announcement, "created_by"),
)
#: Rows that are loaded at once.
_BATCH = 500


def anonymise(session: Session, username: str, stand_in: str, hub_id: int | None = None) -> None:
    """Delete the messages that name only this person, and replace the name in the others by ``stand_in``.

    ``hub_id`` is the id of the person's own hub, which had the same name. Revisions of teams are left as they are.
    """
    _clean_messages(session, username, stand_in)
    session.execute(delete(MessagePerson).where(MessagePerson.username == username))
    watermarks.note_deletion(session)
    told = session.scalars(delete(Notice).where(Notice.about == username).returning(Notice.user_id))
    changed(session, told.all())
    session.execute(delete(NoticeMute).where(NoticeMute.scope == MuteScope.PERSON, NoticeMute.value == username))
    session.execute(update(AuditEntry).where(AuditEntry.agent == username).values(agent=stand_in, origin=""))
    for table, column in _COLUMNS:
        named = update(table).where(getattr(table, column) == username)
        session.execute(named.values({column: stand_in}), execution_options={"synchronize_session": False})
    if hub_id is not None:
        session.execute(update(AuditEntry).where(AuditEntry.hub_id == hub_id).values(hub_name=stand_in))
    _clean_audit(session, username, stand_in)


def without(text: str, username: str, stand_in: str) -> str:
    """Return ``text`` with the name replaced wherever it is a whole word."""
    return re.sub(rf"(?<![\w-]){re.escape(username)}(?![\w-])", stand_in, text)


def _clean_messages(session: Session, username: str, stand_in: str) -> None:
    shared = select(MessagePerson.message_id).where(MessagePerson.username != username)
    message_ids = select(MessagePerson.message_id).where(MessagePerson.username == username)
    unshared = StoredMessage.id.in_(message_ids) & StoredMessage.id.not_in(
        shared.where(MessagePerson.message_id.in_(message_ids))
    )
    options: dict[str, Any] = {"synchronize_session": False}
    note_deletion(session, select(StoredMessage.id).where(unshared))
    session.execute(delete(StoredMessage).where(unshared), execution_options=options)
    session.execute(
        update(StoredMessage).where(StoredMessage.id.in_(message_ids)).values(body=None), execution_options=options
    )
    last = 0
    columns = (StoredMessage.id, StoredMessage.sentence, StoredMessage.link, StoredMessage.icon, StoredMessage.activity)
    query = select(*columns).where(StoredMessage.id.in_(message_ids)).order_by(StoredMessage.id)
    while rows := session.execute(query.where(StoredMessage.id > last).limit(_BATCH)).all():
        last = rows[-1].id
        session.execute(update(StoredMessage), [_cleaned(row, username, stand_in) for row in rows])


def _cleaned(row: Any, username: str, stand_in: str) -> dict[str, Any]:
    """Return the anonymised columns of a message; addresses that contain the name are emptied."""
    link, icon = ("" if without(address, username, "") != address else address for address in (row.link, row.icon))
    sentence = without(row.sentence, username, stand_in)
    activity = _cleaned_activity(row.activity, username, stand_in) if row.activity else None
    return {"id": row.id, "sentence": sentence, "link": link, "icon": icon, "activity": activity}


def _cleaned_activity(activity: dict[str, Any], username: str, stand_in: str) -> dict[str, Any]:
    thing = {name: without(text, username, stand_in) for name, text in activity.get("thing", {}).items()}
    if "link" in thing and thing["link"] != activity["thing"]["link"]:
        del thing["link"]
    texts = {name: without(text, username, stand_in) for name, text in activity.items() if isinstance(text, str)}
    return {**texts, "thing": thing}


def _clean_audit(session: Session, username: str, stand_in: str) -> None:
    """Replace the name in the details of entries whose agent is somebody else."""
    last = 0
    # The databases query JSON fields differently, so the exact comparison happens in Python.
    likely = cast(AuditEntry.detail, String).contains(username, autoescape=True)
    query = select(AuditEntry.id, AuditEntry.detail).where(likely).order_by(AuditEntry.id)
    while rows := session.execute(query.where(AuditEntry.id > last).limit(_BATCH)).all():
        last = rows[-1].id
        changed = []
        for row in rows:
            named = {name: stand_in for name in ("username", "invited_by") if row.detail.get(name) == username}
            if named:
                changed.append({"id": row.id, "detail": {**row.detail, **named}})
        if changed:
            session.execute(update(AuditEntry), changed)
