"""Notices: what happens at hubs and concerns one person, until they looked at it."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session, joinedload

from hubs.models import Hub, Notice, NoticeKind, RoleName, User, now
from hubs.models.commits import touch
from hubs.permissions import Person, visible

#: Notices that a person's list shows, the newest first.
SHOWN = 50


def tell(session: Session, hub: Hub, kind: NoticeKind, people: Iterable[User], about: str) -> None:
    """Note for each of ``people`` what happened at ``hub``; it takes the place of an older notice of the same."""
    for user in people:
        settle(session, hub, kind, about, user)
        session.add(Notice(user_id=user.id, hub_id=hub.id, kind=kind, about=about))
    session.flush()


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
    seen = and_(visible(who), or_(~asked, Notice.hub_id.in_(owned)))
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


def _read(session: Session, who: Person, which: ColumnElement[bool]) -> None:
    query = update(Notice).where(Notice.user_id == who.id, Notice.read.is_(False), which)
    session.execute(query.values(read=True))
    touch(session, "user", [who.id])
