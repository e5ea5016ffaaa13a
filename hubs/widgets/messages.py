"""What several widgets ask of the stored messages: whose they are, and how many there were on each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, cast, func, or_, select
from sqlalchemy.orm import Session, aliased, object_session

from hubs.i18n import N_, _
from hubs.models import Hub, MessagePerson, Role, RoleName, StoredMessage, User, Visibility, Widget
from hubs.permissions import hides_activity
from hubs.widgets.caching import Interest
from hubs.widgets.parameters import Parameter

#: Another row about the same message.
_NAMED = aliased(MessagePerson)

WHOSE = Parameter(
    "username",
    label=N_("Person"),
    default="",
    kind="username",
    help=N_("Whose activity to show. Empty means this hub's person, or all members of this team."),
)


@dataclass(frozen=True)
class Whose:
    """Whose messages a widget shows: one person's, or those of a team's members."""

    hub: Hub
    username: str
    #: Who sees the widget: it shows only what all of them may see.
    audience: Visibility = Visibility.PUBLIC

    @classmethod
    def of(cls, row: Widget) -> "Whose":
        """Read it from a widget's settings and hub."""
        named = row.config.get("username") or ""
        return cls(row.hub, named or (row.hub.name if row.hub.kind == "user" else ""), row.audience)

    def interests(self, *topics: str) -> list[Interest]:
        """Return what makes such a widget stale: any message (of ``topics``) that names one of them."""
        wanted = topics or ("*",)
        if self.username:
            return [Interest(wanted, "user", self.username)]
        return [Interest(wanted, "team", str(self.hub.id)), Interest(("hubs.user.role",), "hub", str(self.hub.id))]

    def condition(self) -> ColumnElement[bool]:
        """Return the condition on `MessagePerson` that selects the messages of those who show them."""
        hidden = select(User.username).where(hides_activity(self.audience, self.hub))
        shown = MessagePerson.username.not_in(hidden)
        if self.username:
            return and_(MessagePerson.username == self.username, shown)
        members = select(User.username).join(Role, Role.user_id == User.id)
        roles = (RoleName.OWNER, RoleName.MEMBER)
        mine = MessagePerson.username.in_(members.where(Role.hub_id == self.hub.id, Role.role.in_(roles)))
        return and_(mine, shown)

    def tells_of_hidden(self) -> ColumnElement[bool]:
        """Return the condition on `MessagePerson` that selects what also names somebody who hides what they do."""
        query = select(_NAMED.message_id).join(User, User.username == _NAMED.username)
        here = and_(_NAMED.message_id == MessagePerson.message_id, hides_activity(self.audience, self.hub))
        return query.where(here).correlate(MessagePerson).exists()

    def is_hidden(self, session: Session) -> bool:
        """Tell whether the one person hides what they do from some who see the widget."""
        query = select(User.id).where(User.username == self.username, hides_activity(self.audience, self.hub))
        return bool(self.username) and session.scalar(query) is not None

    def title(self) -> str:
        """Say whose they are."""
        return self.username or _("the members of %(hub)s") % {"hub": self.hub.title}


def session_of(row: Widget) -> Session:
    """Return the session that the widget's row is in."""
    session = object_session(row)
    if session is None:
        raise RuntimeError(f"widget {row.id} was read in a session that is closed")
    return session


def daily_counts(session: Session, whose: Whose, since: datetime) -> dict[tuple[date, str], int]:
    """Return the number of messages by day (UTC) and category since a moment."""
    day = _day(session, MessagePerson.sent_at)
    query = (
        select(day, MessagePerson.category, func.count(MessagePerson.message_id.distinct()))
        .where(whose.condition(), MessagePerson.sent_at >= since)
        .group_by(day, MessagePerson.category)
    )
    return {(_date(when), category): count for when, category, count in session.execute(query)}


def newest(
    session: Session, whose: Whose | None, topics: Mapping[str, str], since: datetime, limit: int
) -> Sequence[StoredMessage]:
    """Return the newest messages since a moment, newest first: those that name somebody, or all with None.

    ``topics`` maps a category to the end of its messages' topics as SQL's LIKE knows it: ``%.irc.karma``.
    """
    by_topic = or_(
        *(and_(StoredMessage.category == name, StoredMessage.topic.like(end)) for name, end in topics.items())
    )
    query = select(StoredMessage).where(by_topic, StoredMessage.sent_at >= since)
    if whose is not None:
        mine = select(MessagePerson.message_id).where(
            whose.condition(),
            ~whose.tells_of_hidden(),
            MessagePerson.category.in_(topics),
            MessagePerson.sent_at >= since,
        )
        query = query.where(StoredMessage.id.in_(mine))
    return session.scalars(query.order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(limit)).all()


def _day(session: Session, column: Any) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone("UTC", column), Date)
    return func.date(column)


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
