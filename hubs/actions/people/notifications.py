"""Notifications: events on hubs that concern a person, until they are read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session, aliased, joinedload

from hubs.events.log import EventLog
from hubs.events.message import user_channel
from hubs.models import (
    Database,
    Hub,
    Notice,
    NoticeKind,
    Role,
    RoleName,
    StoredMessage,
    User,
    Visibility,
    now,
)
from hubs.models.session_events import defer, run_after_commit, touch
from hubs.permissions import FOLLOWS, INSIDE, Person, hides_from, names_any, visible

#: Notifications in a person's list, the newest first.
SHOWN = 50
#: Messages whose mentions are looked up in one query.
MENTIONS = 50
#: The effect that pushes a notification to a person's open pages: the person's id, the kind, the hub's id.
PUSHED = "push a notification"
_Place = tuple[int, int]


def tell(session: Session, hub: Hub, kind: NoticeKind, people: Iterable[User], about: str) -> None:
    """Notify each of ``people`` of an event on ``hub``; the notification replaces an older one of the same event."""
    for user in people:
        settle(session, hub, kind, about, user)
        session.add(Notice(user_id=user.id, hub_id=hub.id, kind=kind, about=about))
        defer(session, PUSHED, (user.id, kind, hub.id))
    session.flush()


def push_after_commit(database: Database, events: EventLog) -> None:
    """Push notifications to people's open pages once the sessions of ``database`` commit them."""

    def push(pushed: Sequence[tuple[int, NoticeKind, int]]) -> None:
        for user_id, kind, hub_id in sorted(set(pushed)):
            events.publish(user_channel(user_id), "notice", {"kind": kind.value, "count": 1, "hub": hub_id})

    run_after_commit(database, PUSHED, push)


def mention(session: Session, messages: Sequence[tuple[str, str, frozenset[str]]]) -> list[Notice]:
    """Notify the people whom others mention, if they follow a hub of the agent; return the notifications.

    ``messages`` are stored messages: id, agent, and everybody they name. Messages that also name somebody who hides
    their activity are left out.
    """
    mentions = {msg_id: (agent, users - {agent}) for msg_id, agent, users in messages if agent and users - {agent}}
    notices = []
    # In parts, since a flood of messages could make one query with thousands of names.
    for start in range(0, len(mentions), MENTIONS):
        notices += _mention(session, dict(list(mentions.items())[start : start + MENTIONS]))
    session.add_all(notices)
    defer(session, PUSHED, *((notice.user_id, notice.kind, notice.hub_id) for notice in notices))
    session.flush()
    return notices


def settle(session: Session, hub: Hub, kind: NoticeKind, about: str = "", user: User | None = None) -> None:
    """Remove the notifications of a request or invitation that is settled, for one person or for everybody."""
    query = delete(Notice).where(Notice.hub_id == hub.id, Notice.kind == kind)
    if about:
        query = query.where(Notice.about == about)
    if user is not None:
        query = query.where(Notice.user_id == user.id)
    touch(session, "user", session.scalars(query.returning(Notice.user_id)).all())


def concerns(person: Person) -> ColumnElement[bool]:
    """Return the condition on `Notice`, joined with its `Hub`, that selects what a person may see now.

    Invitations may name a hub that the person cannot see yet; requests to join are for current owners only.
    """
    owned_hubs = [hub for hub, names in person.roles.items() if RoleName.OWNER in names]
    is_request = Notice.kind == NoticeKind.JOIN_REQUEST
    is_invitation = Notice.kind == NoticeKind.INVITATION
    hidden = names_any(Notice.message_id, hides_from(person))
    may_see = and_(visible(person), or_(~is_request, Notice.hub_id.in_(owned_hubs)), ~hidden)
    return and_(Notice.user_id == person.id, Hub.archived.is_(False), or_(is_invitation, may_see))


def mine(session: Session, person: Person) -> list[Notice]:
    """Return a person's newest notifications, newest first."""
    query = select(Notice).join(Notice.hub).where(concerns(person)).order_by(Notice.created_on.desc(), Notice.id.desc())
    return list(session.scalars(query.options(joinedload(Notice.hub), joinedload(Notice.message)).limit(SHOWN)))


def look(session: Session, person: Person, hub: Hub) -> None:
    """Mark the notifications about a hub as read, since the person opened it."""
    _read(session, person, Notice.hub_id == hub.id)


def read_all(session: Session, person: Person) -> None:
    """Mark all notifications of a person as read."""
    _read(session, person, Notice.id.is_not(None))


def purge(session: Session, days: int) -> None:
    """Delete notifications older than ``days``."""
    session.execute(delete(Notice).where(Notice.created_on < now() - timedelta(days=days)))


def _mention(session: Session, named: Mapping[str, tuple[str, frozenset[str]]]) -> list[Notice]:
    people = frozenset().union(*({agent, *users} for agent, users in named.values()))
    hubs = _shared(session, {agent for agent, _ in named.values()}, people)
    if not hubs:
        return []
    hidden = set(session.scalars(select(User.username).where(User.username.in_(people), _hides())))
    ids = session.execute(select(StoredMessage.msg_id, StoredMessage.id).where(StoredMessage.msg_id.in_(named)))
    return [
        Notice(user_id=user_id, hub_id=hub_id, kind=NoticeKind.MENTION, message_id=number)
        for msg_id, number in ids
        for username in named[msg_id][1]
        for user_id, hub_id in hubs.get((named[msg_id][0], username), ())
        if not ({named[msg_id][0], *named[msg_id][1]} - {username}) & hidden
    ]


def _shared(session: Session, agents: Iterable[str], people: Iterable[str]) -> dict[tuple[str, str], list[_Place]]:
    """Map (agent, mentioned user) to the mentioned account and a hub of the agent that it follows."""
    agent_user, agent_role = aliased(User), aliased(Role)
    query = (
        select(agent_user.username, User.username, User.id, Hub.id)
        .join(Role, Role.user_id == User.id)
        .join(Hub, Hub.id == Role.hub_id)
        .join(agent_role, agent_role.hub_id == Hub.id)
        .join(agent_user, agent_user.id == agent_role.user_id)
        .where(
            User.username.in_(people),
            agent_user.username.in_(agents),
            User.id != agent_user.id,
            Hub.archived.is_(False),
        )
        .where(agent_role.role.in_(INSIDE), Role.role.in_(FOLLOWS))
        .where(or_(Hub.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN)), Role.role.in_(INSIDE)))
        # Teams come before people's own hubs, since they say more about the context of a mention.
        .order_by(Hub.kind == "user", Hub.id)
    )
    places: dict[tuple[str, str], list[_Place]] = {}
    for agent, username, user_id, hub_id in session.execute(query):
        places.setdefault((agent, username), [(user_id, hub_id)])
    return places


def _hides() -> ColumnElement[bool]:
    return User.activity.not_in((Visibility.PUBLIC, Visibility.SIGNED_IN))


def _read(session: Session, person: Person, which: ColumnElement[bool]) -> None:
    query = update(Notice).where(Notice.user_id == person.id, Notice.read.is_(False), which)
    session.execute(query.values(read=True))
    touch(session, "user", [person.id])
