"""Lets one of several daemons handle the messages of the bus, and the others only what it has not stored soon.

All of them hear every message, and each could read, store and build for it: two would cost half as much again as one.
Which daemon comes first need not be certain. While none believes that it does, all wait for `GRACE`; if two do,
they share the work as if each were alone. Nothing depends on it: a message is in the queue of every daemon that heard
it until that daemon has seen it committed.
"""

import threading
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hubs.bus import MODULE, Message
from hubs.models import Database, StoredMessage

#: Seconds that the first daemon gets. If it is gone, messages are that much later until it is missed.
GRACE = 0.25
#: By how much the clocks of two daemons may differ; it limits the months in which messages are looked up.
APART = timedelta(minutes=5)


class Precedence:
    """Whether this daemon comes first, and what it leaves to the one that does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Heartbeats tell; a daemon that knows of no other comes first.
        self.is_first = True

    def place(self, is_first: bool) -> None:
        """Note whether this daemon comes first."""
        self.is_first = is_first

    def wait(self, item: object, stopping: threading.Event) -> None:
        """Give the first daemon time to store a message that all daemons hear."""
        if not self.is_first and isinstance(item, Message) and _is_heard_by_all(item):
            stopping.wait(GRACE)

    def stored(self, batch: Sequence[Message]) -> frozenset[str]:
        """Return the ids of messages that the first daemon has stored, with all that follows from them."""
        heard = [message for message in batch if _is_heard_by_all(message)]
        if self.is_first or not heard:
            return frozenset()
        since = min(message.received_at for message in heard) - APART
        ids = select(StoredMessage.msg_id).where(
            StoredMessage.msg_id.in_([message.msg_id for message in heard]), StoredMessage.received_at >= since
        )
        try:
            with self._database.session() as session:
                return frozenset(session.scalars(ids))
        except SQLAlchemyError:  # storing them tells as well
            return frozenset()


def _is_heard_by_all(message: Message) -> bool:
    """Return whether another daemon has the message, too, and this one needs nothing from it.

    What has a receipt was delivered to this daemon alone, and our own messages change the index of each.
    """
    return message.receipt is None and message.category != MODULE
