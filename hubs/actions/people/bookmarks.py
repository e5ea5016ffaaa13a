"""A person's bar: their hubs in their own order, and which of them have something that concerns the person."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from hubs.actions.people import notifications
from hubs.errors import Conflict, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import Bookmark, Hub, Notice, RoleName, User
from hubs.permissions import NO_HUB, Person, can

#: Most hubs that a person puts into the bar or orders.
MOST = 500
_WEIGHTS = {RoleName.OWNER: 0, RoleName.MEMBER: 1, RoleName.SUBSCRIBER: 2, RoleName.STARGAZER: 3}


@dataclass(frozen=True)
class Bar:
    """The hubs of the bar in their order, those that were taken out, and the ids of hubs with something unread."""

    hubs: Sequence[Hub] = ()
    removed: Sequence[Hub] = ()
    unread: frozenset[int] = field(default_factory=frozenset)

    def dot(self, hub: Hub) -> bool:
        """Return whether something on a hub concerns the person since their last visit."""
        return hub.id in self.unread


def read(session: Session, who: Person, user: User) -> Bar:
    """Return a person's bar, in one query beside the roles of the account.

    Hubs that the person ordered or added come in that order; then own hub, owned, joined and subscribed hubs by name.
    What is archived or may no longer be seen is left out.
    """
    unread = select(Notice.hub_id).join(Notice.hub).where(notifications.concerns(who), Notice.read.is_(False))
    query = select(Hub, Bookmark, Hub.id.in_(unread)).outerjoin(
        Bookmark, and_(Bookmark.hub_id == Hub.id, Bookmark.user_id == who.id)
    )
    rows = session.execute(query.where(or_(Bookmark.user_id.is_not(None), Hub.id.in_(unread)))).all()
    marks: dict[int, Bookmark] = {hub.id: mark for hub, mark, _ in rows if mark is not None}
    found = {hub.id: hub for hub, mark, _ in rows if mark is not None} | {role.hub_id: role.hub for role in user.roles}
    shown = [hub for hub in found.values() if not hub.archived and can(who, "view", hub)]
    ordered = sorted(shown, key=lambda hub: _key(hub, marks.get(hub.id), who))
    removed = [hub for hub in ordered if hub.id in marks and marks[hub.id].hidden]
    return Bar(
        [hub for hub in ordered if hub not in removed], removed, frozenset(hub.id for hub, _, new in rows if new)
    )


def add(session: Session, who: Person, hub_id: int) -> None:
    """Put a hub that a person may see at the end of their bar."""
    user, bar = _mine(session, who)
    hub = session.get(Hub, hub_id)
    if hub is None or not can(who, "view", hub):
        raise NotFound(NO_HUB)
    if hub.archived:
        raise Conflict(_("%(hub)s is archived. Archived hubs cannot be bookmarked.") % {"hub": hub.title})
    if len(bar.hubs) >= MOST:
        raise Conflict(_("You can bookmark at most %(most)s hubs. Remove a bookmark first.") % {"most": MOST})
    if hub not in bar.hubs:
        _store(session, user, [*bar.hubs, hub])


def remove(session: Session, who: Person, hub_id: int) -> None:
    """Take a hub out of a person's bar; their roles on it stay."""
    user, bar = _mine(session, who)
    hub = _found(bar, hub_id)
    mark = session.get(Bookmark, (user.id, hub.id))
    if any(role.hub_id == hub.id for role in user.roles):
        mark = mark or Bookmark(user_id=user.id, hub_id=hub.id)
        mark.hidden = True
        session.add(mark)
    elif mark is not None:
        session.delete(mark)
    session.flush()


def move(session: Session, who: Person, hub_id: int, index: int) -> None:
    """Put a hub of a person's bar at the place ``index``, counted from 0; beyond the ends means at the end."""
    user, bar = _mine(session, who)
    hub = _found(bar, hub_id)
    others = [one for one in bar.hubs if one is not hub]
    others.insert(max(0, min(index, len(others))), hub)
    _store(session, user, others[:MOST])


def step(session: Session, who: Person, hub_id: int, by: int) -> None:
    """Move a hub of a person's bar ``by`` places, down for positive numbers."""
    _user, bar = _mine(session, who)
    move(session, who, hub_id, max(0, list(bar.hubs).index(_found(bar, hub_id)) + by))


def _mine(session: Session, who: Person) -> tuple[User, Bar]:
    """Return the account and the bar; two browsers that order at the same moment do so one after the other."""
    user = session.get(User, who.id, with_for_update=True) if who.signed_in else None
    if user is None:
        raise NotAllowed(_("Please sign in first."))
    return user, read(session, who, user)


def _found(bar: Bar, hub_id: int) -> Hub:
    for hub in bar.hubs:
        if hub.id == hub_id:
            return hub
    raise NotFound(_("This hub is not bookmarked."))


def _store(session: Session, user: User, hubs: Sequence[Hub]) -> None:
    known = {mark.hub_id: mark for mark in session.scalars(select(Bookmark).where(Bookmark.user_id == user.id))}
    for number, hub in enumerate(hubs):
        mark = known.get(hub.id) or Bookmark(user_id=user.id, hub_id=hub.id)
        mark.position, mark.hidden = number, False
        session.add(mark)
    session.flush()


def _key(hub: Hub, mark: Bookmark | None, who: Person) -> tuple[int, int, str]:
    if mark is not None and not mark.hidden:
        return (0, mark.position, "")
    weight = -1 if hub.user_id == who.id else min((_WEIGHTS[name] for name in who.roles.get(hub.id, ())), default=9)
    return (1, weight, hub.title.lower())
