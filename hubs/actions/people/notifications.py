"""Notices: what happens at hubs and concerns one person, until they looked at it."""

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

#: Notices that a person's list shows, the newest first.
SHOWN = 50
#: Messages whose mentions are looked for in one query.
MENTIONS = 50
#: The effect that tells the open pages of a person about a notification: the person's id, the kind, the hub's id.
PUSHED = "push a notification"
_Place = tuple[int, int]


def tell(session: Session, hub: Hub, kind: NoticeKind, people: Iterable[User], about: str) -> None:
    """Note for each of ``people`` what happened at ``hub``; it takes the place of an older notice of the same."""
    for user in people:
        settle(session, hub, kind, about, user)
        session.add(Notice(user_id=user.id, hub_id=hub.id, kind=kind, about=about))
        defer(session, PUSHED, (user.id, kind, hub.id))
    session.flush()


def push_after_commit(database: Database, events: EventLog) -> None:
    """Tell the open pages of people about their notifications once the sessions of ``database`` commit them."""

    def push(pushed: Sequence[tuple[int, NoticeKind, int]]) -> None:
        for user_id, kind, hub_id in sorted(set(pushed)):
            events.publish(user_channel(user_id), "notice", {"kind": kind.value, "count": 1, "hub": hub_id})

    run_after_commit(database, PUSHED, push)


def mention(session: Session, said: Sequence[tuple[str, str, frozenset[str]]]) -> list[Notice]:
    """Notify the people whom others mention, if they follow a hub of the agent; return the notifications.

    ``said`` are stored messages: id, the person who acted, and everybody they name. Messages that also name somebody
    who hides their activity are left out.
    """
    named = {msg_id: (agent, users - {agent}) for msg_id, agent, users in said if agent and users - {agent}}
    found = []
    for start in range(0, len(named), MENTIONS):
        found += _mention(session, dict(list(named.items())[start : start + MENTIONS]))
    session.add_all(found)
    defer(session, PUSHED, *((notice.user_id, notice.kind, notice.hub_id) for notice in found))
    session.flush()
    return found


def settle(session: Session, hub: Hub, kind: NoticeKind, about: str = "", user: User | None = None) -> None:
    """Remove notices of what is answered or taken back: of one person, or of all whom it concerned."""
    query = delete(Notice).where(Notice.hub_id == hub.id, Notice.kind == kind)
    if about:
        query = query.where(Notice.about == about)
    if user is not None:
        query = query.where(Notice.user_id == user.id)
    touch(session, "user", session.scalars(query.returning(Notice.user_id)).all())


def concerns(who: Person) -> ColumnElement[bool]:
    """Return the condition on `Notice`, joined with its `Hub`, that selects what a person may still be told.

    An invitation names a hub that one may not see yet; a request to join is for those who are owners now.
    """
    owned = [hub for hub, names in who.roles.items() if RoleName.OWNER in names]
    asked = Notice.kind == NoticeKind.JOIN_REQUEST
    invited = Notice.kind == NoticeKind.INVITATION
    hidden = names_any(Notice.message_id, hides_from(who))
    seen = and_(visible(who), or_(~asked, Notice.hub_id.in_(owned)), ~hidden)
    return and_(Notice.user_id == who.id, Hub.archived.is_(False), or_(invited, seen))


def mine(session: Session, who: Person) -> list[Notice]:
    """Return a person's newest notices, newest first."""
    query = select(Notice).join(Notice.hub).where(concerns(who)).order_by(Notice.created_on.desc(), Notice.id.desc())
    return list(session.scalars(query.options(joinedload(Notice.hub), joinedload(Notice.message)).limit(SHOWN)))


def look(session: Session, who: Person, hub: Hub) -> None:
    """Note that a person looked at a hub: what concerned them there is read."""
    _read(session, who, Notice.hub_id == hub.id)


def read_all(session: Session, who: Person) -> None:
    """Note that a person has read all their notices."""
    _read(session, who, Notice.id.is_not(None))


def purge(session: Session, days: int) -> None:
    """Remove notices older than ``days``."""
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
    other, theirs = aliased(User), aliased(Role)
    query = (
        select(other.username, User.username, User.id, Hub.id)
        .join(Role, Role.user_id == User.id)
        .join(Hub, Hub.id == Role.hub_id)
        .join(theirs, theirs.hub_id == Hub.id)
        .join(other, other.id == theirs.user_id)
        .where(User.username.in_(people), other.username.in_(agents), User.id != other.id, Hub.archived.is_(False))
        .where(theirs.role.in_(INSIDE), Role.role.in_(FOLLOWS))
        .where(or_(Hub.visibility.in_((Visibility.PUBLIC, Visibility.SIGNED_IN)), Role.role.in_(INSIDE)))
        # A team says more than a person's own hub.
        .order_by(Hub.kind == "user", Hub.id)
    )
    found: dict[tuple[str, str], list[_Place]] = {}
    for agent, username, user_id, hub_id in session.execute(query):
        found.setdefault((agent, username), [(user_id, hub_id)])
    return found


def _hides() -> ColumnElement[bool]:
    return User.activity.not_in((Visibility.PUBLIC, Visibility.SIGNED_IN))


def _read(session: Session, who: Person, which: ColumnElement[bool]) -> None:
    query = update(Notice).where(Notice.user_id == who.id, Notice.read.is_(False), which)
    session.execute(query.values(read=True))
    touch(session, "user", [who.id])
