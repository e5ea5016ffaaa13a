"""Mentions: what somebody did that names somebody else, on a hub that the other follows."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hubs.actions.people import notifications
from hubs.backend.ingest.extract import Extractor
from hubs.bus import MODULE, Message


class Mentions:
    """Notes mentions together with the messages that contain them."""

    def __init__(self, extract: Extractor) -> None:
        self._extract = extract

    def note(self, session: Session, fresh: Sequence[Message]) -> None:
        """Note whom messages that were just stored mention, in the same transaction."""
        # What our own messages tell has notices of its own.
        others = [message for message in fresh if message.category != MODULE and len(message.users) > 1]
        said = [(message.msg_id, self._extract.actor(message), message.users) for message in others]
        notifications.mention(session, said)
