"""Cards of the feed: messages read with few queries, and joined where they tell one story."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, and_, bindparam, case, or_, select
from sqlalchemy.orm import Session, aliased

from hubs.activities.activity import Activity
from hubs.activities.sentences import Part, parts
from hubs.models import MessagePerson, StoredMessage, User, now
from hubs.widgets.shared.messages import MessageScope, ScopeFilter

#: Messages further apart than this are two stories.
APART = timedelta(hours=6)
#: What a card shows of a message; its body, which may be long, stays in the database.
SHOWN: tuple[Any, ...] = (
    StoredMessage.id,
    StoredMessage.category,
    StoredMessage.sentence,
    StoredMessage.link,
    StoredMessage.activity,
    StoredMessage.sent_at,
    StoredMessage.received_at,
)
#: How far back the newest messages of a team are looked for at first, and then.
BACK = (timedelta(hours=1), timedelta(hours=12), timedelta(days=6))
EVER = datetime.fromtimestamp(0, UTC)
#: Those whom a message names, beside the row by which it was found.
_NAMED = aliased(MessagePerson)
#: The full names of listed people; for others the feed shows the username only.
_SHOWN_NAME = case((User.unlisted.is_(False), User.fullname)).label("shown_name")
#: People shown on one card.
FACES = 4
#: Symbols by category; those that no reader understands get a box.
ICONS = {
    **dict.fromkeys(("pagure", "github", "gitlab", "forgejo", "git", "trac"), "branch"),
    **dict.fromkeys(("bodhi", "pkgdb", "fedoratagger", "anitya", "hotness", "mbs"), "package"),
    **dict.fromkeys(("buildsys", "build", "chroot", "copr", "koschei"), "hammer"),
    **dict.fromkeys(("badges", "fedbadges"), "badge"),
    **dict.fromkeys(("meetbot", "irc", "maubot", "discourse", "askbot"), "chat"),
    **dict.fromkeys(("ci", "allpackages", "jenkins", "openqa", "greenwave", "rats", "kerneltest"), "check"),
    **dict.fromkeys(("compose", "pungi", "odcs", "releng", "fedimg", "autocloud", "fedora_image_uploader"), "disc"),
    **dict.fromkeys(("ansible", "nagios", "mirrormanager", "summershum"), "server"),
    **dict.fromkeys(("fedora_elections", "nuancier"), "vote"),
    **dict.fromkeys(("fas", "ipa"), "user"),
    "bugzilla": "bug",
    "fedocal": "calendar",
    "fmn": "bell",
    "hubs": "hub",
    "mailman": "mail",
    "planet": "feed",
    "wiki": "page",
    "weblate": "page",
    **dict.fromkeys(("webhook", "cloudevents"), "bell"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One message as a card shows it."""

    id: int
    category: str
    #: What is shown without an activity.
    fallback: str
    link: str
    sent_at: datetime
    received_at: datetime
    #: The names of those whom it concerns, by account.
    names: Mapping[str, str]
    activity: Activity | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """The accounts of those whom it concerns."""
        return tuple(self.names)

    @property
    def sentence(self) -> str:
        """What happened, as text in the language in force."""
        return " ".join("".join(part.text for part in self.parts()).split())

    def parts(self, you: str = "") -> list[Part]:
        """Return the sentence in the language in force, for ``you`` as its reader where that is somebody."""
        said = parts(self.activity, self.names, you) if self.activity else []
        return said or [Part(self.fallback, "thing")]


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
        """Return whether an older message belongs to this story."""
        last = self.items[-1]
        if item.category != last.category or last.received_at - item.received_at > APART:
            return False
        if item.link:
            return item.link == last.link
        return (item.people, item.activity, item.fallback) == (last.people, last.activity, last.fallback)


def read(
    session: Session,
    whose: MessageScope,
    limit: int,
    hidden: Sequence[str],
    offset: int = 0,
    before: tuple[datetime, int] | None = None,
) -> list[Item]:
    """Return the newest messages that name somebody, newest first, leaving out the first ``offset``.

    ``before`` is when a message was received, and its id: only older ones are returned.
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
    received = MessagePerson.received_at
    found = select(MessagePerson.message_id, received).where(
        terms.condition(), ~terms.tells_of_hidden(), received >= bindparam("since")
    )
    if goes_on:
        same_moment = received == bindparam("before_at")
        at_once = and_(same_moment, MessagePerson.message_id < bindparam("before_id"))
        found = found.where(or_(received < bindparam("before_at"), at_once))
    if hides:
        found = found.where(MessagePerson.category.not_in(bindparam("hidden", expanding=True)))
    if not terms.one_person:  # a message that names several members comes several times
        found = found.distinct()
    newest = (
        found.order_by(received.desc(), MessagePerson.message_id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
        .subquery()
    )
    # A message comes once for each person whom it names: cheaper than a second query for the people.
    return (
        select(*SHOWN, _NAMED.username, _SHOWN_NAME)
        .join(newest, newest.c.message_id == StoredMessage.id)
        .join(_NAMED, _NAMED.message_id == StoredMessage.id)
        .outerjoin(User, User.username == _NAMED.username)
        .order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc(), _NAMED.username)
    )


def _told(rows: Sequence[Any]) -> list[Item]:
    return _items({row.id: row for row in rows}.values(), ((row.id, row.username, row.shown_name) for row in rows))


def items_of(session: Session, messages: Sequence[Any]) -> list[Item]:
    """Return messages, or rows of `SHOWN`, as cards show them, with the people whom they name, in one query."""
    query = (
        select(MessagePerson.message_id, MessagePerson.username, _SHOWN_NAME)
        .outerjoin(User, User.username == MessagePerson.username)
        .where(MessagePerson.message_id.in_([message.id for message in messages]))
        .order_by(MessagePerson.username)
    )
    return _items(messages, ((key, username, name) for key, username, name in session.execute(query)))


def _items(messages: Iterable[Any], named: Iterable[tuple[int, str, str | None]]) -> list[Item]:
    names: dict[int, dict[str, str]] = {}
    for key, username, name in named:
        names.setdefault(key, {})[username] = name or username
    return [
        Item(
            row.id,
            row.category,
            row.sentence,
            row.link,
            row.sent_at,
            row.received_at,
            names.get(row.id, {}),
            Activity.from_row(row.activity),
        )
        for row in messages
    ]


def grouped(items: Iterable[Item]) -> list[Card]:
    """Join messages that follow each other and tell one story."""
    cards: list[Card] = []
    for item in items:
        if not (cards and cards[-1].takes(item)):
            cards.append(Card())
        cards[-1].items.append(item)
    return cards
