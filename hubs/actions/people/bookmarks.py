"""A person's bookmarks: hubs in their own order, with a mark for unread notifications."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing
from hubs.errors import Conflict, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import Bookmark, Hub, RoleName, User
from hubs.permissions import NO_HUB, Person, can

#: Most bookmarks of a person.
MOST = 500
_WEIGHTS = {RoleName.OWNER: 0, RoleName.MEMBER: 1, RoleName.SUBSCRIBER: 2, RoleName.STARGAZER: 3}


@dataclass(frozen=True)
class Bar:
    """The bookmarked hubs in their order, the removed ones, and the ids of hubs with unread notifications."""

    hubs: Sequence[Hub] = ()
    removed: Sequence[Hub] = ()
    unread: frozenset[int] = field(default_factory=frozenset)
    #: The number on the bell: what needs the person.
    needs_you: int = 0

    def dot(self, hub: Hub) -> bool:
        """Return whether the person has unread notifications about a hub."""
        return hub.id in self.unread


def read(session: Session, person: Person, user: User) -> Bar:
    """Return a person's bookmarks, with two queries in addition to loading the account's roles.

    Hubs that the person added or moved come first, in that order; then the own hub, and owned, joined and subscribed
    hubs by name. Hubs that are archived or that the person may not see are left out.
    """
    unread = listing.unread_hubs(person)
    query = select(Hub, Bookmark, Hub.id.in_(unread)).outerjoin(
        Bookmark, and_(Bookmark.hub_id == Hub.id, Bookmark.user_id == person.id)
    )
    rows = session.execute(query.where(or_(Bookmark.user_id.is_not(None), Hub.id.in_(unread)))).all()
    marks: dict[int, Bookmark] = {hub.id: mark for hub, mark, _ in rows if mark is not None}
    hubs = {hub.id: hub for hub, mark, _ in rows if mark is not None} | {role.hub_id: role.hub for role in user.roles}
    shown = [hub for hub in hubs.values() if not hub.archived and can(person, "view", hub)]
    ordered = sorted(shown, key=lambda hub: _key(hub, marks.get(hub.id), person))
    removed = [hub for hub in ordered if hub.id in marks and marks[hub.id].hidden]
    return Bar(
        [hub for hub in ordered if hub not in removed],
        removed,
        frozenset(hub.id for hub, _, is_unread in rows if is_unread),
        listing.count(session, person),
    )


def add(session: Session, person: Person, hub_id: int) -> None:
    """Add a hub that the person may see at the end of their bookmarks."""
    user, bar = _mine(session, person)
    hub = session.get(Hub, hub_id)
    if hub is None or not can(person, "view", hub):
        raise NotFound(NO_HUB)
    if hub.archived:
        raise Conflict(_("%(hub)s is archived. Archived hubs cannot be bookmarked.") % {"hub": hub.title})
    if len(bar.hubs) >= MOST:
        raise Conflict(_("You can bookmark at most %(most)s hubs. Remove a bookmark first.") % {"most": MOST})
    if hub not in bar.hubs:
        _store(session, user, [*bar.hubs, hub])


def remove(session: Session, person: Person, hub_id: int) -> None:
    """Remove a hub from a person's bookmarks; their roles on it stay."""
    user, bar = _mine(session, person)
    hub = _bookmarked(bar, hub_id)
    mark = session.get(Bookmark, (user.id, hub.id))
    if any(role.hub_id == hub.id for role in user.roles):
        mark = mark or Bookmark(user_id=user.id, hub_id=hub.id)
        mark.hidden = True
        session.add(mark)
    elif mark is not None:
        session.delete(mark)
    session.flush()


def move(session: Session, person: Person, hub_id: int, index: int) -> None:
    """Move a bookmark to the 0-based ``index``, which is clamped to the list."""
    user, bar = _mine(session, person)
    hub = _bookmarked(bar, hub_id)
    others = [other for other in bar.hubs if other is not hub]
    others.insert(max(0, min(index, len(others))), hub)
    _store(session, user, others[:MOST])


def step(session: Session, person: Person, hub_id: int, by: int) -> None:
    """Move a bookmark by a number of places, down if positive."""
    _user, bar = _mine(session, person)
    move(session, person, hub_id, max(0, list(bar.hubs).index(_bookmarked(bar, hub_id)) + by))


def _mine(session: Session, person: Person) -> tuple[User, Bar]:
    """Return the account and the bookmarks; the account is locked, so concurrent changes happen one after the other."""
    user = session.get(User, person.id, with_for_update=True) if person.signed_in else None
    if user is None:
        raise NotAllowed(_("Please sign in first."))
    return user, read(session, person, user)


def _bookmarked(bar: Bar, hub_id: int) -> Hub:
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


def _key(hub: Hub, mark: Bookmark | None, person: Person) -> tuple[int, int, str]:
    if mark is not None and not mark.hidden:
        return (0, mark.position, "")
    weight = (
        -1 if hub.user_id == person.id else min((_WEIGHTS[name] for name in person.roles.get(hub.id, ())), default=9)
    )
    return (1, weight, hub.title.lower())
