"""Stores bus messages for feeds and charts: in batches, each message at most once."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hubs.actions import own_messages
from hubs.actions.storage import postgresql
from hubs.bus import Message
from hubs.models import MessagePackage, MessagePerson, StoredMessage, hub_mark
from hubs.models.database import storable

#: Longest address that is stored; longer ones are dropped. Longest sentence; longer ones are cut.
LINK_LENGTH, SENTENCE_LENGTH = 1024, 1000


def store(session: Session, messages: Sequence[Message]) -> list[Message]:
    """Store the messages that are new and return them, in their order.

    A unique ``msg_id`` decides, so if several daemons receive a message, exactly one gets it returned.
    """
    if not messages:
        return []
    unique = {message.msg_id: message for message in messages}
    # Sorted, since two daemons that insert the same ids in different orders could deadlock.
    ordered = [unique[msg_id] for msg_id in sorted(unique)]
    about = own_messages.hub_ids(session, ordered)
    ordered = own_messages.without_hidden(session, ordered, about)
    rows = [_row(message, about.get(message.msg_id)) for message in ordered]
    if _is_postgresql(session):
        people = [(message.msg_id, username) for message in ordered for username in _people(message)]
        packages = [(message.msg_id, package) for message in ordered for package in _packages(message)]
        stored = postgresql.store(session, rows, people, packages)
    else:
        stored = _store(session, ordered, rows)
    return [message for message in unique.values() if message.msg_id in stored]


def _store(session: Session, messages: Sequence[Message], rows: Sequence[dict[str, Any]]) -> set[str]:
    query = sqlite_insert(StoredMessage).on_conflict_do_nothing(index_elements=["msg_id"])
    returned = session.execute(query.returning(StoredMessage.id, StoredMessage.msg_id), rows)
    ids: dict[str, int] = {msg_id: key for key, msg_id in returned}
    fresh = [message for message in messages if message.msg_id in ids]
    people = [_person(ids[m.msg_id], m, username) for m in fresh for username in _people(m)]
    packages = [_package(ids[m.msg_id], m, package) for m in fresh for package in _packages(m)]
    if people:
        session.execute(insert(MessagePerson), people)
    if packages:
        session.execute(insert(MessagePackage), packages)
    return set(ids)


def names(candidates: Iterable[str], limit: int) -> frozenset[str]:
    """Return the names that can be stored: those that are printable and not too long."""
    return frozenset(name for name in candidates if name and len(name) <= limit and name.isprintable())


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _people(message: Message) -> frozenset[str]:
    """Return the names by which a message is found: for that of a webhook also the mark of its hub."""
    return message.users if message.hub_id is None else message.users | {hub_mark(message.hub_id)}


def _row(message: Message, about_hub_id: int | None) -> dict[str, Any]:
    return {
        "msg_id": message.msg_id,
        "topic": message.topic,
        "category": message.category,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "activity": message.activity.as_row() if message.activity else None,
        "sentence": storable(message.sentence[:SENTENCE_LENGTH]),
        "link": _address(message.link),
        "icon": _address(message.icon),
        "about_hub_id": about_hub_id,
        "hub_id": message.hub_id,
        "body": message.body,
    }


def _packages(message: Message) -> frozenset[str]:
    """Return the packages of a message: those that its publisher names, and those of its activity."""
    if message.hub_id is not None:  # widgets find packages' messages whatever hub they are on
        return frozenset()
    return message.packages | names(message.activity.packages if message.activity else (), 255)


def _person(key: int, message: Message, username: str) -> dict[str, Any]:
    return {
        "message_id": key,
        "username": username,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "category": message.category,
        "hub_id": message.hub_id,
    }


def _package(key: int, message: Message, package: str) -> dict[str, Any]:
    times = {"sent_at": message.sent_at, "received_at": message.received_at}
    return {"message_id": key, "package": package, **times}


def _address(text: str) -> str:
    usable = text.startswith(("https://", "http://")) and len(text) <= LINK_LENGTH and text.isprintable()
    return text if usable else ""
