"""Cookies: thanks that people gave each other in chat, counted from the messages of the bots.

``maubot.cookie.give.v1`` (Matrix) carries sender, recipient and total: the bot's own count for the recipient, which
reaches further back than the messages stored here. ``irc.karma`` (IRC) carries agent for the sender, recipient, and
vote (1 or -1).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from hubs.models import Hub, MessagePerson, StoredMessage, is_message

#: Topics of the bots in Matrix and in IRC.
TOPICS = ("maubot.cookie.give", "irc.karma")
_CATEGORIES = ("maubot", "irc")
#: Most messages counted.
READ = 20_000
#: Most givers named.
GIVERS = 5


@dataclass(frozen=True)
class Given:
    """One vote of ``agent``; ``total`` is the bot's own count, or None if the message has none."""

    agent: str
    vote: int
    total: int | None
    when: datetime


@dataclass(frozen=True)
class Cookies:
    """The counts of a person's cookies.

    ``release`` counts votes since the start of the release, ``counted`` all stored votes, the earliest of which is
    from ``first``. ``total`` is the bot's own all-time count as of ``newest``, or None if no message has one.
    """

    release: int
    counted: int
    first: datetime | None
    newest: datetime | None
    total: int | None
    givers: list[tuple[str, int]] = field(default_factory=list)


def read(session: Session, username: str) -> list[Given]:
    """Return the votes for a person, newest first."""
    body = StoredMessage.body
    query = (
        # Read as texts, so that a malformed number does not fail the whole query.
        select(
            body["recipient"].as_string(),
            func.coalesce(body["sender"].as_string(), body["agent"].as_string()),
            case((StoredMessage.category == "maubot", "1"), else_=body["vote"].as_string()),
            body["total"].as_string(),
            StoredMessage.sent_at,
        )
        .join(MessagePerson, is_message(MessagePerson.message_id, MessagePerson.received_at))
        .where(
            MessagePerson.username == username, MessagePerson.hub_id.is_(None), MessagePerson.category.in_(_CATEGORIES)
        )
        .where(or_(*(StoredMessage.topic.like(f"%.{topic}%") for topic in TOPICS)), body.is_not(None))
        .order_by(MessagePerson.sent_at.desc())
        .limit(READ)
    )
    names = {username.lower(), *nicks(session, username)}
    votes = []
    for recipient, agent, vote, total, when in session.execute(query):
        if str(recipient).lower() in names and vote in ("1", "-1"):
            votes.append(Given(str(agent or ""), int(vote), _number(total), when))
    return votes


def nicks(session: Session, username: str) -> set[str]:
    """Return the chat nick in a person's hub, in lower case."""
    hub = session.scalar(select(Hub).where(Hub.kind == "user", Hub.name == username))
    nick = (hub.extras or {}).get("chat_nick") if hub else None
    return {nick.lower()} if isinstance(nick, str) and nick else set()


def count(votes: Iterable[Given], since: datetime) -> Cookies:
    """Return the counts of a person's votes (newest first); ``since`` is when the release began."""
    votes = list(votes)
    recent = [vote for vote in votes if vote.when >= since]
    givers = Counter(vote.agent for vote in recent if vote.vote > 0 and vote.agent)
    newest = next((vote for vote in votes if vote.total is not None), None)
    return Cookies(
        release=sum(vote.vote for vote in recent),
        counted=sum(vote.vote for vote in votes),
        first=votes[-1].when if votes else None,
        newest=newest.when if newest else None,
        total=newest.total if newest else None,
        givers=givers.most_common(GIVERS),
    )


def _number(text: object) -> int | None:
    try:
        number = int(str(text))
    except ValueError:
        return None
    return number if abs(number) < 2**53 else None
