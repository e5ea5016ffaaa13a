"""Cookies: thanks that people gave each other in chat, counted from the messages of the bot.

``maubot.cookie.give.v1`` carries sender, recipient and total: what the bot itself has counted for the recipient, which
reaches further back than the messages that are kept here. ``irc.karma``, of the bot in IRC, has agent for the sender,
and vote (1 or -1).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from hubs.models import Hub, MessagePerson, StoredMessage

#: Of Matrix, and of IRC.
TOPICS = ("maubot.cookie.give", "irc.karma")
_CATEGORIES = ("maubot", "irc")
#: Messages counted at most.
READ = 20_000
#: Givers named.
GIVERS = 5


@dataclass(frozen=True)
class Given:
    """One vote: who gave it and when; ``total`` is what the bot says, where it does."""

    agent: str
    vote: int
    total: int | None
    when: datetime


@dataclass(frozen=True)
class Cookies:
    """What is known about a person's cookies.

    ``release`` counts those since the release began, ``counted`` all that are kept here, of which the first came at
    ``first``. ``total`` is the bot's own count of all time as of ``newest``, or None where no message has one.
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
        # As texts: a number that is none must not fail the query.
        select(
            body["recipient"].as_string(),
            func.coalesce(body["sender"].as_string(), body["agent"].as_string()),
            case((StoredMessage.category == "maubot", "1"), else_=body["vote"].as_string()),
            body["total"].as_string(),
            StoredMessage.sent_at,
        )
        .join(MessagePerson, MessagePerson.message_id == StoredMessage.id)
        .where(MessagePerson.username == username, MessagePerson.category.in_(_CATEGORIES))
        .where(or_(*(StoredMessage.topic.like(f"%.{topic}%") for topic in TOPICS)), body.is_not(None))
        .order_by(MessagePerson.sent_at.desc())
        .limit(READ)
    )
    names = {username.lower(), *nicks(session, username)}
    found = []
    for recipient, agent, vote, total, when in session.execute(query):
        if str(recipient).lower() in names and vote in ("1", "-1"):
            found.append(Given(str(agent or ""), int(vote), _number(total), when))
    return found


def nicks(session: Session, username: str) -> set[str]:
    """Return the chat nick of a person, in lower case, as their hub tells it."""
    hub = session.scalar(select(Hub).where(Hub.kind == "user", Hub.name == username))
    nick = (hub.extras or {}).get("chat_nick") if hub else None
    return {nick.lower()} if isinstance(nick, str) and nick else set()


def count(votes: Iterable[Given], since: datetime) -> Cookies:
    """Return the counts of a person's votes (newest first); ``since`` is when the release began."""
    votes = list(votes)
    lately = [vote for vote in votes if vote.when >= since]
    givers = Counter(vote.agent for vote in lately if vote.vote > 0 and vote.agent)
    newest = next((vote for vote in votes if vote.total is not None), None)
    return Cookies(
        release=sum(vote.vote for vote in lately),
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
