"""Cards of the feed: messages read with few queries, and joined where they tell one story."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from hubs.models import MessagePerson, StoredMessage, now
from hubs.widgets.shared.messages import MessageScope, ScopeFilter

#: Messages further apart than this are two stories.
APART = timedelta(hours=6)
#: What a card shows of a message; its body, which may be long, stays in the database.
SHOWN: tuple[Any, ...] = (
    StoredMessage.id,
    StoredMessage.category,
    StoredMessage.sentence,
    StoredMessage.link,
    StoredMessage.sent_at,
)
#: How far back the newest messages of a team are looked for at first, and then.
BACK = (timedelta(hours=1), timedelta(hours=12), timedelta(days=6))
EVER = datetime.fromtimestamp(0, UTC)
#: Those whom a message names, beside the row by which it was found.
_NAMED = aliased(MessagePerson)
#: People shown on one card.
FACES = 4
#: Symbols by category; all others get a box.
ICONS = {
    "pagure": "branch",
    "github": "branch",
    "git": "branch",
    "bodhi": "package",
    "buildsys": "hammer",
    "copr": "hammer",
    "koschei": "hammer",
    "fedbadges": "badge",
    "meetbot": "chat",
    "irc": "chat",
    "mailman": "mail",
    "wiki": "page",
    "askbot": "question",
    "bugzilla": "bug",
    "fedocal": "calendar",
    "hubs": "hub",
    "fas": "user",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One message as a card shows it."""

    id: int
    category: str
    sentence: str
    link: str
    sent_at: datetime
    people: tuple[str, ...]


@dataclass(slots=True)
class Card:
    """One story: messages of one category about one thing, or by the same people, newest first."""

    items: list[Item] = field(default_factory=list)

    @property
    def newest(self) -> Item:
        """The newest message."""
        return self.items[0]

    @property
    def icon(self) -> str:
        """The symbol of its category."""
        return ICONS.get(self.newest.category, "box")

    @property
    def people(self) -> list[str]:
        """Those whom its messages name, at most `FACES`."""
        return list(dict.fromkeys(name for item in self.items for name in item.people))[:FACES]

    def takes(self, item: Item) -> bool:
        """Tell whether an older message belongs to this story."""
        last = self.items[-1]
        if item.category != last.category or last.sent_at - item.sent_at > APART:
            return False
        return (
            (item.link == last.link) if item.link else (item.people == last.people and item.sentence == last.sentence)
        )


def read(
    session: Session,
    whose: MessageScope,
    limit: int,
    hidden: Sequence[str],
    offset: int = 0,
    before: tuple[datetime, int] | None = None,
) -> list[Item]:
    """Return the newest messages that name somebody, newest first, leaving out the first ``offset``.

    ``before`` is the moment and the id of a message: only older ones are returned.
    """
    values = {**whose.values(), "hidden": hidden, "limit": limit, "offset": offset}
    if before is not None:
        values |= {"before_at": before[0], "before_id": before[1]}
    query, items = _newest(whose.terms, bool(hidden), before is not None), []
    latest = before[0] if before is not None else now()
    for since in [EVER] if whose.username else looks_back(latest):
        items = _told(session.execute(query, {**values, "since": since}).all())
        if len(items) == limit:
            break
    return items


def looks_back(latest: datetime) -> Iterator[datetime]:
    """Yield since when to look for the newest messages of many people up to ``latest``: further and further back.

    The index finds one person's newest messages in their order. Those of many must be sorted, and of a busy team that
    would be all of the last months, for the newest thirty.
    """
    yield from (latest - back for back in BACK if latest - EVER > back)
    yield EVER


@cache
def _newest(terms: ScopeFilter, hides: bool, goes_on: bool) -> Executable:
    found = select(MessagePerson.message_id, MessagePerson.sent_at).where(
        terms.condition(), ~terms.tells_of_hidden(), MessagePerson.sent_at >= bindparam("since")
    )
    if goes_on:
        same_moment = MessagePerson.sent_at == bindparam("before_at")
        at_once = and_(same_moment, MessagePerson.message_id < bindparam("before_id"))
        found = found.where(or_(MessagePerson.sent_at < bindparam("before_at"), at_once))
    if hides:
        found = found.where(MessagePerson.category.not_in(bindparam("hidden", expanding=True)))
    if not terms.one_person:  # a message that names several members comes several times
        found = found.distinct()
    newest = (
        found.order_by(MessagePerson.sent_at.desc(), MessagePerson.message_id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
        .subquery()
    )
    # A message comes once for each person whom it names: cheaper than a second query for the people.
    return (
        select(*SHOWN, _NAMED.username)
        .join(newest, newest.c.message_id == StoredMessage.id)
        .join(_NAMED, _NAMED.message_id == StoredMessage.id)
        .order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc(), _NAMED.username)
    )


def _told(rows: Sequence[Any]) -> list[Item]:
    return _items({row.id: row for row in rows}.values(), ((row.id, row.username) for row in rows))


def items_of(session: Session, messages: Sequence[Any]) -> list[Item]:
    """Return messages, or rows of `SHOWN`, as cards show them, with the people whom they name, in one query."""
    query = select(MessagePerson.message_id, MessagePerson.username).order_by(MessagePerson.username)
    named = session.execute(query.where(MessagePerson.message_id.in_([one.id for one in messages])))
    return _items(messages, ((key, username) for key, username in named))


def _items(messages: Iterable[Any], named: Iterable[tuple[int, str]]) -> list[Item]:
    people: dict[int, list[str]] = {}
    for key, username in named:
        people.setdefault(key, []).append(username)
    return [
        Item(one.id, one.category, one.sentence, one.link, one.sent_at, tuple(people.get(one.id, ())))
        for one in messages
    ]


def grouped(items: Iterable[Item]) -> list[Card]:
    """Join messages that follow each other and tell one story."""
    cards: list[Card] = []
    for item in items:
        if not (cards and cards[-1].takes(item)):
            cards.append(Card())
        cards[-1].items.append(item)
    return cards
