"""Messages as feeds show them, read in few queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, bindparam, case, or_, select
from sqlalchemy.orm import Session, aliased

from hubs.activities.activity import Activity
from hubs.activities.sentences import Part, parts, place
from hubs.models import MessagePerson, StoredMessage, User, is_hub_mark, is_message, now
from hubs.widgets.shared.messages import EVER, MessageScope, ScopeFilter, latest

#: What a feed shows of a message; its body, which may be long, stays in the database.
SHOWN: tuple[Any, ...] = (
    StoredMessage.id,
    StoredMessage.category,
    StoredMessage.sentence,
    StoredMessage.link,
    StoredMessage.activity,
    StoredMessage.sent_at,
    StoredMessage.received_at,
)
#: Successive time windows in which the newest messages of a team are searched.
BACK = (timedelta(hours=1), timedelta(hours=12), timedelta(days=6))
#: All people whom a message names, not only the one by whom it was selected.
_NAMED = aliased(MessagePerson)
#: The columns whose bounds tell PostgreSQL, before it plans a query, which months it has to look at.
_RECEIVED = (StoredMessage.received_at, _NAMED.received_at)
#: The full names and the pictures of listed people; for others the feed shows the username only.
_SHOWN_NAME = case((User.unlisted.is_(False), User.fullname)).label("shown_name")
_SHOWN_PICTURE = case((User.unlisted.is_(False), User.picture)).label("shown_picture")
#: Icons by category; any other category gets a box.
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
class Narrowing:
    """Selects among the messages in scope: those of some categories, that also name a person, since a time."""

    #: Empty means any.
    categories: tuple[str, ...] = ()
    username: str = ""
    since: datetime = EVER

    @property
    def shape(self) -> tuple[bool, bool]:
        """Which conditions the statement needs; statements are cached by it."""
        return bool(self.categories), bool(self.username)

    def values(self) -> dict[str, Any]:
        """Return the bind values of the conditions."""
        values: dict[str, Any] = {"categories": self.categories} if self.categories else {}
        return values | ({"also_named": self.username} if self.username else {})


#: Selects all messages in scope.
NOTHING = Narrowing()


@dataclass(frozen=True, slots=True)
class Item:
    """One message as a feed shows it."""

    id: int
    category: str
    #: Shown if there is no activity.
    fallback: str
    link: str
    sent_at: datetime
    received_at: datetime
    #: Display names of the people concerned, by account.
    names: Mapping[str, str]
    activity: Activity | None = None
    #: Digests of their pictures, by account, of those who have one.
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def people(self) -> tuple[str, ...]:
        """The accounts of the people concerned."""
        return tuple(self.names)

    @property
    def sentence(self) -> str:
        """What happened, as plain text in the current language."""
        return " ".join("".join(part.text for part in self.parts()).split())

    def parts(self, you: str = "", *, short: bool = False) -> list[Part]:
        """Return the sentence in the current language; the account ``you``, if given, is addressed as “you”.

        A ``short`` sentence leaves out what `place` says.
        """
        sentence = parts(self.activity, self.names, you, short=short) if self.activity else []
        return sentence or [Part(self.fallback, "thing")]

    def things(self, you: str = "") -> list[Part]:
        """Return only what the short sentence is about, for lists below a sentence about all of them."""
        sentence = self.parts(you, short=True)
        return [part for part in sentence if part.role == "thing" and part.text] or sentence

    @property
    def place(self) -> str:
        """Where it happened, which a short sentence leaves out."""
        return place(self.activity) if self.activity else ""

    @property
    def actor(self) -> str:
        """The account of the person who acted; else that of the first person concerned, or an empty text."""
        name = self.activity.actor if self.activity else ""
        return name if name in self.names else next(iter(self.names), "")


def read(
    session: Session,
    whose: MessageScope,
    limit: int,
    hidden: Sequence[str],
    offset: int = 0,
    before: tuple[datetime, int] | None = None,
    narrowed: Narrowing = NOTHING,
) -> list[Item]:
    """Return the newest messages in scope, newest first, skipping the first ``offset``.

    ``before`` is a cursor: the time of receipt and id of a message; only older ones are returned. ``narrowed``
    selects further among the messages in scope.
    """
    values = {**whose.values(), "hidden": hidden, "limit": limit, "offset": offset, **narrowed.values()}
    if before is not None:
        values |= {"before_id": before[1]}
    values["until"] = before[0] if before is not None else latest()
    query, items = _newest(whose.terms, bool(hidden), before is not None, narrowed.shape), []
    newest_at, since = before[0] if before is not None else now(), max(narrowed.since, whose.begins)
    for start in [EVER] if whose.terms.is_ordered else time_windows(newest_at):
        items = _items_of_rows(session.execute(query, {**values, "since": max(start, since)}).all())
        if len(items) == limit or start <= since:
            break
    return items


def time_windows(latest: datetime) -> Iterator[datetime]:
    """Yield the starts of ever larger time windows in which to search for the newest messages of many people.

    The index returns one person's messages in order. Messages of many people must be sorted: for a busy team that
    would mean sorting months of messages to get the newest thirty.
    """
    yield from (latest - back for back in BACK if latest - EVER > back)
    yield EVER


@cache
def _newest(terms: ScopeFilter, hides: bool, paginated: bool, shape: tuple[bool, bool]) -> Executable:
    received = MessagePerson.received_at
    matching = select(MessagePerson.message_id, received).where(
        terms.condition(), ~terms.tells_of_hidden(), received >= bindparam("since"), received <= bindparam("until")
    )
    if paginated:
        matching = matching.where(or_(received < bindparam("until"), MessagePerson.message_id < bindparam("before_id")))
    if hides:
        matching = matching.where(MessagePerson.category.not_in(bindparam("hidden", expanding=True)))
    by_category, by_person = shape
    if by_category:
        matching = matching.where(MessagePerson.category.in_(bindparam("categories", expanding=True)))
    if by_person:
        also = aliased(MessagePerson)
        within = also.received_at >= bindparam("since"), also.received_at <= bindparam("until")
        naming = select(also.message_id).where(also.username == bindparam("also_named"), *within)
        matching = matching.where(MessagePerson.message_id.in_(naming))
    if not terms.is_ordered:  # a message that names several members is selected several times
        matching = matching.distinct()
    newest = (
        matching.order_by(received.desc(), MessagePerson.message_id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
        .subquery()
    )
    # One row per message and person named: cheaper than a second query for the people.
    return (
        select(*SHOWN, _NAMED.username, _SHOWN_NAME, _SHOWN_PICTURE)
        .join(newest, is_message(newest.c.message_id, newest.c.received_at))
        .join(_NAMED, is_message(_NAMED.message_id, _NAMED.received_at))
        .outerjoin(User, User.username == _NAMED.username)
        .where(*(column.between(bindparam("since"), bindparam("until")) for column in _RECEIVED))
        .order_by(StoredMessage.received_at.desc(), StoredMessage.id.desc(), _NAMED.username)
    )


def _items_of_rows(rows: Sequence[Any]) -> list[Item]:
    return _items({row.id: row for row in rows}.values(), ((row.id, *row[-3:]) for row in rows))


def items_of(session: Session, messages: Sequence[Any]) -> list[Item]:
    """Return messages, or rows of `SHOWN`, as items with the people whom they name, in one query."""
    query = (
        select(MessagePerson.message_id, MessagePerson.username, _SHOWN_NAME, _SHOWN_PICTURE)
        .outerjoin(User, User.username == MessagePerson.username)
        .where(MessagePerson.message_id.in_([message.id for message in messages]))
        .where(MessagePerson.received_at.in_({message.received_at for message in messages}))
        .order_by(MessagePerson.username)
    )
    return _items(messages, session.execute(query).all())


def _items(messages: Iterable[Any], named: Iterable[Any]) -> list[Item]:
    """Return items; each row of ``named`` has a message's id, an account, its name and its picture, None if hidden."""
    names: dict[int, dict[str, str]] = {}
    pictures: dict[int, dict[str, str]] = {}
    for key, username, name, picture in named:
        if is_hub_mark(username):
            continue
        names.setdefault(key, {})[username] = name or username
        if picture:
            pictures.setdefault(key, {})[username] = picture
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
            pictures.get(row.id, {}),
        )
        for row in messages
    ]
