"""Mentions: messages of one person that name another, who follows a hub of the first."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hubs.actions.people import notifications
from hubs.backend.ingest.extract import Extractor
from hubs.bus import MODULE, Message


class Mentions:
    """Records mentions together with the messages that contain them."""

    def __init__(self, extract: Extractor) -> None:
        self._extract = extract

    def note(self, session: Session, fresh: Sequence[Message]) -> None:
        """Record the mentions in messages that are being stored, in the same transaction."""
        # Our own messages have notifications of their own.
        # A mention tells people on other hubs about it, which a webhook of one hub must not.
        others = [message for message in fresh if message.category != MODULE and message.hub_id is None]
        others = [message for message in others if len(message.users) > 1]
        mentions = [(message.msg_id, self._extract.actor(message), message.users) for message in others]
        notifications.mention(session, mentions)
