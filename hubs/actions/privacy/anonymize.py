"""Taking the name of a person who leaves for good out of what is kept."""

import re
from typing import Any

from sqlalchemy import String, cast, delete, select, update
from sqlalchemy.orm import Session

from hubs.models import (
    AuditEntry,
    Base,
    Invitation,
    JoinRequest,
    MessagePerson,
    Notice,
    PushToken,
    Revision,
    StoredMessage,
)

#: Columns that say by name who did something.
_COLUMNS: tuple[tuple[type[Base], str], ...] = (
    (Revision, "agent"),
    (Invitation, "invited_by"),
    (JoinRequest, "decided_by"),
    (PushToken, "created_by"),
)
#: Rows that are read at once.
_BATCH = 500


def anonymise(session: Session, username: str, stand_in: str, hub_id: int | None = None) -> None:
    """Remove the messages that name this person alone, and the name from what is kept of the others.

    ``hub_id`` is the number of the person's own hub, whose name was theirs.
    ``stand_in`` is put where something must stand. Layouts in the history of teams stay as their owners wrote them.
    """
    _clean_messages(session, username, stand_in)
    session.execute(delete(MessagePerson).where(MessagePerson.username == username))
    session.execute(delete(Notice).where(Notice.about == username))
    session.execute(update(AuditEntry).where(AuditEntry.agent == username).values(agent=stand_in, origin=""))
    for table, column in _COLUMNS:
        named = update(table).where(getattr(table, column) == username)
        session.execute(named.values({column: stand_in}), execution_options={"synchronize_session": False})
    if hub_id is not None:
        session.execute(update(AuditEntry).where(AuditEntry.hub_id == hub_id).values(hub_name=stand_in))
    _clean_audit(session, username, stand_in)


def without(text: str, username: str, stand_in: str) -> str:
    """Return ``text`` with the name replaced where it stands as a whole word."""
    return re.sub(rf"(?<![\w-]){re.escape(username)}(?![\w-])", stand_in, text)


def _clean_messages(session: Session, username: str, stand_in: str) -> None:
    others = select(MessagePerson.message_id).where(MessagePerson.username != username)
    mine = select(MessagePerson.message_id).where(MessagePerson.username == username)
    alone = StoredMessage.id.in_(mine) & StoredMessage.id.not_in(others.where(MessagePerson.message_id.in_(mine)))
    quick: dict[str, Any] = {"synchronize_session": False}
    session.execute(delete(StoredMessage).where(alone), execution_options=quick)
    session.execute(update(StoredMessage).where(StoredMessage.id.in_(mine)).values(body=None), execution_options=quick)
    last = 0
    columns = (StoredMessage.id, StoredMessage.sentence, StoredMessage.link, StoredMessage.icon, StoredMessage.activity)
    query = select(*columns).where(StoredMessage.id.in_(mine)).order_by(StoredMessage.id)
    while rows := session.execute(query.where(StoredMessage.id > last).limit(_BATCH)).all():
        last = rows[-1].id
        session.execute(update(StoredMessage), [_cleaned(row, username, stand_in) for row in rows])


def _cleaned(row: Any, username: str, stand_in: str) -> dict[str, Any]:
    """Return what is kept of a message: addresses that hold the name would lead nowhere with another one."""
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
    """Replace the name in what others did to the person, and what was done to the person's own hub."""
    last = 0
    # What a JSON field says is compared here: the databases do not agree on how to ask for it.
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
