"""Mentions: what somebody did that names somebody else, on a hub that the other follows."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from hubs.actions.people import notifications
from hubs.backend.ingest.extract import Extractor
from hubs.bus import MODULE, Message
from hubs.events.log import EventLog
from hubs.events.message import user_channel
from hubs.models import Notice, NoticeKind


class Mentions:
    """Notes mentions with the messages, and tells the open pages of those who are mentioned."""

    def __init__(self, extract: Extractor, stream: EventLog) -> None:
        self._extract, self._stream = extract, stream

    def note(self, session: Session, fresh: Sequence[Message]) -> list[Notice]:
        """Note whom messages that were just stored mention, in the same transaction."""
        # What our own messages tell has notices of its own.
        others = [message for message in fresh if message.category != MODULE and len(message.users) > 1]
        said = [(message.msg_id, self._extract.agent(message.body), message.users) for message in others]
        return notifications.mention(session, said)

    def tell(self, found: Sequence[Notice]) -> None:
        """Tell open pages, once the notices are committed."""
        for user_id, hub_id in sorted({(one.user_id, one.hub_id) for one in found}):
            told = {"kind": NoticeKind.MENTION.value, "count": 1, "hub": hub_id}
            self._stream.publish(user_channel(user_id), "notice", told)
