"""Reports stored messages to the inbox: whom they concern, and which subjects they finish."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from hubs.actions.inbox import bus
from hubs.actions.inbox.bus import Heard
from hubs.backend.ingest.extract import Extractor
from hubs.bus import MODULE, Message

#: A name in a text, written as ``@name``; not the domain of an e-mail address.
_NAME = re.compile(r"(?<![\w@.-])@([A-Za-z0-9][\w.-]{0,62})")
#: Where publishers put the text of a comment, or of an issue that was just opened.
_TEXTS = (
    ("comment", "body"),
    ("comment", "comment"),
    ("comment", "text"),
    ("review", "body"),
    ("issue", "body"),
    ("issue", "content"),
    ("pull_request", "body"),
    ("pullrequest", "initial_comment"),
)
#: Longest text that is searched, and most names in it that count.
_LONGEST, _MOST = 20_000, 20


class Mentions:
    """Records notifications together with the messages that cause them."""

    def __init__(self, extract: Extractor) -> None:
        self._extract = extract

    def note(self, session: Session, fresh: Sequence[Message]) -> None:
        """Record the notifications of messages that are being stored, in the same transaction."""
        # Our own messages have notifications of their own.
        # A mention tells people on other hubs about it, which a webhook of one hub must not.
        others = [message for message in fresh if message.category != MODULE and message.hub_id is None]
        heard = [self._heard(message) for message in others]
        bus.note(session, [message for message in heard if _concerns(message)])

    def _heard(self, message: Message) -> Heard:
        mentioned = frozenset(self._mentioned(message))
        return Heard(message.msg_id, self._extract.actor(message), message.users, message.activity, mentioned)

    def _mentioned(self, message: Message) -> Iterator[str]:
        """Yield the accounts that the message's own text mentions; forges have logins, which people link."""
        name_of = self._extract.accounts.linked if message.category in ("github", "gitlab") else self._extract.account
        prefix = f"{message.category}:" if message.category in ("github", "gitlab") else ""
        for name in _NAME.findall(_text(message))[:_MOST]:
            if account := name_of(prefix + name.rstrip(".-_")):
                yield account


def _concerns(heard: Heard) -> bool:
    return bool(len(heard.people) > 1 or heard.mentioned or heard.activity)


def _text(message: Message) -> str:
    """Return what the person wrote in this message; empty if it only repeats an older text."""
    is_new = message.activity is not None and message.activity.verb.endswith((".opened", ".filed"))
    for path in _TEXTS:
        if path[0] in ("issue", "pull_request", "pullrequest") and not is_new:
            continue
        value: Any = message.body
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value:
            return value[:_LONGEST]
    return ""
