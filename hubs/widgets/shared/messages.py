"""What several widgets ask of the stored messages: whose they are, and which are the newest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from hubs.i18n import N_, _
from hubs.models import Hub, MessagePerson, Role, RoleName, StoredMessage, User, Visibility, Widget
from hubs.permissions import hides_activity, names_any
from hubs.widgets.caching import Interest
from hubs.widgets.parameters import Parameter

MESSAGE_SCOPE = Parameter(
    "username",
    label=N_("Person"),
    default="",
    kind="username",
    help=N_("Whose activity to show. Empty means this hub's person, or all members of this team."),
)


@dataclass(frozen=True)
class MessageScope:
    """Whose messages a widget shows: one person's, or those of a team's members."""

    hub: Hub
    username: str
    #: Who sees the widget: it shows only what all of them may see.
    audience: Visibility = Visibility.PUBLIC

    @classmethod
    def of(cls, row: Widget) -> "MessageScope":
        """Read it from a widget's settings and hub."""
        named = row.config.get("username") or ""
        return cls(row.hub, named or (row.hub.name if row.hub.kind == "user" else ""), row.audience)

    def interests(self, *topics: str) -> list[Interest]:
        """Return what makes such a widget stale: any message (of ``topics``) that names one of them."""
        wanted = topics or ("*",)
        if self.username:
            return [Interest(wanted, "user", self.username)]
        return [Interest(wanted, "team", str(self.hub.id)), Interest(("hubs.user.role",), "hub", str(self.hub.id))]

    @property
    def terms(self) -> "ScopeFilter":
        """The conditions that select the messages; `values` belongs to them."""
        return ScopeFilter(bool(self.username), self.hub.user_id is not None, self.audience)

    def values(self) -> dict[str, Any]:
        """Return what a statement with `terms` in it must be executed with."""
        return {"whose_name": self.username, "whose_hub": self.hub.id, "whose_own": self.hub.user_id}

    def is_hidden(self, session: Session) -> bool:
        """Return whether the one person hides what they do from some who see the widget."""
        return bool(self.username) and session.scalar(_hidden(self.terms), self.values()) is not None

    def title(self) -> str:
        """Say whose they are."""
        return self.username or _("the members of %(hub)s") % {"hub": self.hub.title}


@dataclass(frozen=True)
class ScopeFilter:
    """Conditions on `MessagePerson` with the names and numbers left open, so that few statements serve all widgets.

    A statement is then made once, instead of at every build; that took longer than PostgreSQL needs to answer it.
    """

    #: One person's messages, else those of a team's members; in a person's own hub, else in a team's.
    one_person: bool
    own: bool
    audience: Visibility

    def condition(self) -> ColumnElement[bool]:
        """Return the condition that selects what names those of them who show what they do."""
        if self.one_person:
            return and_(MessagePerson.username == bindparam("whose_name"), ~self.hidden().exists())
        return MessagePerson.username.in_(self.members())

    def hidden(self) -> Select[Any]:
        """Return the statement for the one person, where they hide what they do; without an account nobody does."""
        return select(User.id).where(User.username == bindparam("whose_name"), self._hiding())

    def members(self) -> Select[Any]:
        """Return the statement for the names of the members who show what they do."""
        here = and_(Role.hub_id == bindparam("whose_hub"), Role.role.in_((RoleName.OWNER, RoleName.MEMBER)))
        return select(User.username).join(Role).where(here, ~self._hiding())

    def tells_of_hidden(self) -> ColumnElement[bool]:
        """Return the condition that selects what names them or others who hide what they do."""
        return names_any(MessagePerson.message_id, self._hiding())

    def _hiding(self) -> ColumnElement[bool]:
        return hides_activity(self.audience, bindparam("whose_own", type_=Integer) if self.own else None)


@cache
def _hidden(terms: ScopeFilter) -> Select[Any]:
    return terms.hidden()


def newest(
    session: Session, whose: MessageScope | None, topics: Mapping[str, str], since: datetime, limit: int
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
            whose.terms.condition(),
            ~whose.terms.tells_of_hidden(),
            MessagePerson.category.in_(topics),
            MessagePerson.sent_at >= since,
        )
        query = query.where(StoredMessage.id.in_(mine))
    query = query.order_by(StoredMessage.sent_at.desc(), StoredMessage.id.desc()).limit(limit)
    return session.scalars(query, whose.values() if whose else {}).all()
