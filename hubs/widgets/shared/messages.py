"""Queries on the stored messages that several widgets share: the scope of a widget, and its newest messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from hubs.bus import MODULE
from hubs.i18n import N_, _
from hubs.models import (
    Hub,
    MessagePerson,
    Role,
    RoleName,
    StoredMessage,
    User,
    Visibility,
    Widget,
    hub_mark,
    is_message,
    now,
)
from hubs.permissions import hides_activity, names_any
from hubs.widgets.caching import Interest
from hubs.widgets.parameters import Parameter

EVER = datetime.fromtimestamp(0, UTC)
#: How far the clocks of the machines that receive messages may be ahead of ours.
SKEW = timedelta(minutes=5)
MESSAGE_SCOPE = Parameter(
    "username",
    label=N_("Person"),
    default="",
    kind="username",
    help=N_("Whose activity to show. Empty means this hub's person, or all members of this team."),
)


def latest() -> datetime:
    """Return the time after which no message was received: with it, queries leave out the months to come."""
    return now() + SKEW


@dataclass(frozen=True)
class MessageScope:
    """The people whose messages a widget shows: one person, or the members of a team."""

    hub: Hub
    username: str
    #: The widget's audience; it shows only what all of that audience may see.
    audience: Visibility = Visibility.PUBLIC

    @classmethod
    def of(cls, row: Widget) -> "MessageScope":
        """Return the scope that a widget's settings and hub define."""
        username = row.config.get("username") or ""
        return cls(row.hub, username or (row.hub.name if row.hub.kind == "user" else ""), row.audience)

    def interests(self, *topics: str) -> list[Interest]:
        """Return interests in any message (of ``topics``) that names one of these people."""
        topics = topics or ("*",)
        if self.username:
            return [Interest(topics, "user", self.username)]
        return [Interest(topics, "team", str(self.hub.id)), Interest(("hubs.user.role",), "hub", str(self.hub.id))]

    @property
    def terms(self) -> "ScopeFilter":
        """The conditions that select the messages; `values` belongs to them."""
        return ScopeFilter(bool(self.username), self.hub.user_id is not None, self.audience)

    def values(self) -> dict[str, Any]:
        """Return the bind values of a statement that uses `terms`."""
        # What webhooks of the hub report belongs to the team, or to the person whose own hub it is.
        mark = hub_mark(self.hub.id) if self.username in ("", self.hub.name) else ""
        whose = {"whose_name": self.username, "whose_hub": self.hub.id, "whose_own": self.hub.user_id}
        return {**whose, "whose_mark": mark}

    @property
    def begins(self) -> datetime:
        """The time before which nothing belongs to the scope: what members did before there was the team is theirs."""
        return EVER if self.username else self.hub.created_on

    def is_hidden(self, session: Session) -> bool:
        """Return whether the scope is a person who hides their activity from part of the widget's audience."""
        return bool(self.username) and session.scalar(_hidden(self.terms), self.values()) is not None

    def title(self) -> str:
        """Return the scope in words, for headings and empty states."""
        return self.username or _("the members of %(hub)s") % {"hub": self.hub.title}


@dataclass(frozen=True)
class ScopeFilter:
    """Conditions on `MessagePerson` with bind parameters for names and ids, so that few statements serve all widgets.

    A statement is then compiled once instead of at every build, which took longer than PostgreSQL needs to run it.
    """

    #: Whether the scope is one person instead of a team's members, and whether the hub is a person's own.
    one_person: bool
    own: bool
    audience: Visibility

    @property
    def is_ordered(self) -> bool:
        """Whether all messages are found by one name, so that the index yields each once, in order."""
        return self.one_person and not self.own

    def condition(self) -> ColumnElement[bool]:
        """Return the condition that selects messages that name people in scope who show their activity."""
        here = or_(MessagePerson.hub_id.is_(None), MessagePerson.hub_id == bindparam("whose_hub"))
        mark = bindparam("whose_mark", type_=String)
        if not self.one_person:
            return and_(MessagePerson.username.in_(union_all(self.members(), select(mark))), here, _not_about_others())
        name: BindParameter[str] = bindparam("whose_name")
        named = MessagePerson.username.in_((name, mark)) if self.own else MessagePerson.username == name
        return and_(named, here, ~self.hidden().exists())

    def hidden(self) -> Select[Any]:
        """Return the statement that selects the person if they hide their activity; nothing without an account."""
        return select(User.id).where(User.username == bindparam("whose_name"), self._hiding())

    def members(self) -> Select[Any]:
        """Return the statement that selects the names of members who show their activity."""
        here = and_(Role.hub_id == bindparam("whose_hub"), Role.role.in_((RoleName.OWNER, RoleName.MEMBER)))
        return select(User.username).join(Role).where(here, ~self._hiding())

    def tells_of_hidden(self) -> ColumnElement[bool]:
        """Return the condition that selects messages that name anybody who hides their activity."""
        return names_any(MessagePerson.message_id, self._hiding())

    def _hiding(self) -> ColumnElement[bool]:
        return hides_activity(self.audience, bindparam("whose_own", type_=Integer) if self.own else None)


def _not_about_others() -> ColumnElement[bool]:
    """Return the condition that leaves out what members did to the pages of other hubs."""
    same = is_message(MessagePerson.message_id, MessagePerson.received_at)
    here = select(StoredMessage.id).where(same, StoredMessage.about_hub_id == bindparam("whose_hub"))
    return or_(MessagePerson.category != MODULE, here.correlate(MessagePerson).exists())


@cache
def _hidden(terms: ScopeFilter) -> Select[Any]:
    return terms.hidden()


def newest(
    session: Session, whose: MessageScope | None, topics: Mapping[str, str], since: datetime, limit: int
) -> Sequence[StoredMessage]:
    """Return the newest messages ``since`` a time, newest first: those in scope ``whose``, or all if that is None.

    ``topics`` maps a category to a LIKE pattern for its topics, such as ``%.irc.karma``.
    """
    by_topic = or_(
        *(and_(StoredMessage.category == name, StoredMessage.topic.like(end)) for name, end in topics.items())
    )
    # These topics are of the bus; what a webhook says is shown on its hub only.
    query = select(StoredMessage).where(by_topic, StoredMessage.sent_at >= since, StoredMessage.hub_id.is_(None))
    until = latest()
    query = query.where(StoredMessage.received_at.between(since, until))  # no message is received before it is sent
    if whose is not None:
        mine = select(MessagePerson.message_id, MessagePerson.received_at).where(
            whose.terms.condition(),
            ~whose.terms.tells_of_hidden(),
            MessagePerson.category.in_(topics),
            MessagePerson.sent_at >= since,
            MessagePerson.received_at.between(since, until),
        )
        query = query.where(tuple_(StoredMessage.id, StoredMessage.received_at).in_(mine))
    query = query.order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(limit)
    return session.scalars(query, whose.values() if whose else {}).all()
