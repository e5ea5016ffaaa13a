"""Stored messages of our own about hubs: they belong to a hub by its id, since its address can change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import unquote

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from hubs.actions import inbox_changes, watermarks
from hubs.bus import MODULE, Message
from hubs.models import FormerName, Hub, MessagePerson, StoredMessage, Visibility

#: Ids that the databases can store.
_IDS = range(1, 2**31)


def hub_ids(session: Session, messages: Iterable[Message]) -> dict[str, int]:
    """Map the ids of our own messages to the ids of the hubs that they are about."""
    about = {message.msg_id: _hub_id(session, message) for message in messages if message.category == MODULE}
    return {msg_id: hub_id for msg_id, hub_id in about.items() if hub_id is not None}


def find_hub(session: Session, url: object) -> int | None:
    """Return the id of the hub at an address, else of the hub that had it before it was renamed."""
    if (address := parse_address(url)) is None:
        return None
    space, name = address
    at_address = and_(Hub.name == name, Hub.kind == "user" if space == "u" else Hub.kind != "user")
    former = select(FormerName.hub_id).where(FormerName.space == space, FormerName.name == name)
    hub_id = session.scalar(select(Hub.id).where(at_address))
    return session.scalar(former) if hub_id is None else hub_id


def parse_address(url: object) -> tuple[str, str] | None:
    """Return the space (``u`` or ``t``) and the name in the address of a hub."""
    parts = url.split("/") if isinstance(url, str) and "\0" not in url else []
    if len(parts) < 3 or parts[-1] or parts[-3] not in ("u", "t"):
        return None
    return parts[-3], unquote(parts[-2])


def without_hidden(session: Session, messages: Sequence[Message], about: dict[str, int]) -> list[Message]:
    """Return the messages, with those about hubs that are not public reduced to their ids.

    A message that was published while its hub was public can arrive after the hub was hidden, for example from the
    history service.
    """
    if not about:
        return list(messages)
    public = select(Hub.id).where(Hub.id.in_(set(about.values())), Hub.visibility == Visibility.PUBLIC)
    hidden = set(about.values()) - set(session.scalars(public))
    return [_reduced(message) if about.get(message.msg_id) in hidden else message for message in messages]


def forget_hub(session: Session, hub_id: int) -> frozenset[str]:
    """Delete the stored messages about a hub that is no longer public; return the people that they named.

    The feeds of these people would otherwise still show what happened on the hub.
    """
    message_ids = select(StoredMessage.id).where(StoredMessage.about_hub_id == hub_id)
    usernames = select(MessagePerson.username).where(MessagePerson.message_id.in_(message_ids)).distinct()
    named = frozenset(session.scalars(usernames))
    inbox_changes.note_deletion(session, message_ids)
    removed = delete(StoredMessage).where(StoredMessage.about_hub_id == hub_id)
    session.execute(removed, execution_options={"synchronize_session": False})
    if named:
        watermarks.note_deletion(session)
    return named


def _hub_id(session: Session, message: Message) -> int | None:
    hub_id = message.body.get("hub_id")
    if isinstance(hub_id, int) and not isinstance(hub_id, bool) and hub_id in _IDS:
        return hub_id
    # Messages about roles once had no hub_id; some may still be in transit, or come from the history service.
    return find_hub(session, message.body.get("hub_url"))


def _reduced(message: Message) -> Message:
    body = {name: value for name, value in message.body.items() if name in ("hub_id", "widget_id")}
    none: frozenset[str] = frozenset()
    return replace(message, body=body, users=none, packages=none, activity=None, sentence="", link="", icon="")
