"""Stores messages of the bus for feeds and charts: in batches, each message at most once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hubs import urls
from hubs.actions import messages_postgresql
from hubs.bus import MODULE, Message
from hubs.models import (
    Hub,
    MessagePackage,
    MessagePerson,
    StoredMessage,
    StreamMark,
    now,
)

#: Most old messages that are removed in one transaction, with the rows that belong to them.
REMOVED = 5_000
#: Longest address kept; longer ones are left out.
LINK_LENGTH = 1024


def store(session: Session, messages: Sequence[Message]) -> list[Message]:
    """Store what is not stored yet and return it, in the order given.

    The insert of ``msg_id`` decides, so of several daemons that hear one message exactly one gets it back.
    """
    if not messages:
        return []
    unique = {message.msg_id: message for message in messages}
    # One order for all daemons: two that insert the same ids in different orders would deadlock.
    ordered = [unique[msg_id] for msg_id in sorted(unique)]
    if _is_postgresql(session):
        people = [(message.msg_id, username) for message in ordered for username in message.users]
        packages = [(message.msg_id, package) for message in ordered for package in _packages(message)]
        stored = messages_postgresql.store(session, [_row(message) for message in ordered], people, packages)
    else:
        stored = _store(session, ordered)
    return [message for message in unique.values() if message.msg_id in stored]


def _store(session: Session, messages: Sequence[Message]) -> set[str]:
    query = sqlite_insert(StoredMessage).on_conflict_do_nothing(index_elements=["msg_id"])
    returned = session.execute(query.returning(StoredMessage.id, StoredMessage.msg_id), [_row(m) for m in messages])
    ids: dict[str, int] = {msg_id: key for key, msg_id in returned}
    fresh = [message for message in messages if message.msg_id in ids]
    people = [_person(ids[m.msg_id], m, username) for m in fresh for username in m.users]
    packages = [_package(ids[m.msg_id], m, package) for m in fresh for package in _packages(m)]
    if people:
        session.execute(insert(MessagePerson), people)
    if packages:
        session.execute(insert(MessagePackage), packages)
    return set(ids)


def forget_hub(session: Session, hub: Hub) -> frozenset[str]:
    """Remove our own stored messages about a hub that is no longer public; return the people they named.

    They were public while the hub was; in the feeds of its people they would remain so.
    """
    path = urls.hub(hub.kind, hub.name)
    about = StoredMessage.body["hub_url"].as_string().endswith(path, autoescape=True)
    told = select(StoredMessage.id).where(StoredMessage.category == MODULE, about)
    people = select(MessagePerson.username).where(MessagePerson.message_id.in_(told)).distinct()
    named = frozenset(session.scalars(people))
    removed = delete(StoredMessage).where(StoredMessage.id.in_(told))
    session.execute(removed, execution_options={"synchronize_session": False})
    return named


def purge(session: Session, days: int) -> bool:
    """Remove messages received more than ``days`` ago, the oldest first, but for those that somebody saved.

    No more than `REMOVED` go at once, so that it is over soon however much there is; return whether there may be more.
    """
    saved = select(StreamMark.message_id).where(StreamMark.saved)
    old = StoredMessage.received_at < now() - timedelta(days=days)
    oldest = select(StoredMessage.id).where(old, StoredMessage.id.not_in(saved))
    numbers = session.scalars(oldest.order_by(StoredMessage.received_at).limit(REMOVED)).all()
    removed = delete(StoredMessage).where(StoredMessage.id.in_(numbers))
    session.execute(removed, execution_options={"synchronize_session": False})
    return len(numbers) == REMOVED


def names(found: Iterable[str], limit: int) -> frozenset[str]:
    """Return the names that can be stored: printable and not too long."""
    return frozenset(name for name in found if name and len(name) <= limit and name.isprintable())


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _row(message: Message) -> dict[str, Any]:
    return {
        "msg_id": message.msg_id,
        "topic": message.topic,
        "category": message.category,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "activity": message.activity.as_row() if message.activity else None,
        "sentence": _plain(message.sentence),
        "link": _address(message.link),
        "icon": _address(message.icon),
        "body": message.body,
    }


def _packages(message: Message) -> frozenset[str]:
    """Return the packages by which a message is found: also those of its activity that its publisher does not name."""
    return message.packages | names(message.activity.packages if message.activity else (), 255)


def _person(key: int, message: Message, username: str) -> dict[str, Any]:
    return {
        "message_id": key,
        "username": username,
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "category": message.category,
    }


def _package(key: int, message: Message, package: str) -> dict[str, Any]:
    return {"message_id": key, "package": package, "sent_at": message.sent_at}


def _plain(text: str) -> str:
    """Return text that PostgreSQL takes: no NUL, no lone surrogates."""
    return text[:1000].replace("\0", "").encode("utf-8", "replace").decode()


def _address(text: str) -> str:
    good = text.startswith(("https://", "http://")) and len(text) <= LINK_LENGTH and text.isprintable()
    return text if good else ""
