"""A person's bookmarks: hubs in their own order, with a mark for unread notifications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from hubs.actions.inbox import listing
from hubs.errors import Conflict, NotAllowed, NotFound
from hubs.i18n import _
from hubs.models import Bookmark, Hub, Role, RoleName, User
from hubs.models.session_events import note_reads
from hubs.permissions import ANY_ACCOUNT, NO_HUB, Person, can, visible

#: Most bookmarks of a person.
MOST = 500
_WEIGHTS = {RoleName.OWNER: 0, RoleName.MEMBER: 1, RoleName.SUBSCRIBER: 2, RoleName.STARGAZER: 3}


class BookmarkedHub(NamedTuple):
    """What every page shows of a bookmarked hub. Loading these as objects of the mapper would cost most of a page."""

    id: int
    kind: str
    name: str
    display_name: str
    avatar: str
    banner: str
    emblem: str
    icon: str
    summary: str
    user_id: int | None

    @property
    def title(self) -> str:
        """The display name, or the name where there is none."""
        return self.display_name or self.name


@dataclass(frozen=True)
class Bar:
    """The bookmarked hubs in their order, the removed ones, and the ids of hubs with unread notifications."""

    hubs: Sequence[BookmarkedHub] = ()
    removed: Sequence[BookmarkedHub] = ()
    unread: frozenset[int] = field(default_factory=frozenset)
    #: The number on the bell: what needs the person.
    needs_you: int = 0
    #: The reader tag of each hub that was read, shown or not, by its id.
    tags: Mapping[int, str] = field(default_factory=dict)

    def dot(self, hub: Hub | BookmarkedHub) -> bool:
        """Return whether the person has unread notifications about a hub."""
        return hub.id in self.unread

    def has(self, hub: Hub) -> bool:
        """Return whether the person bookmarked a hub."""
        return any(bookmark.id == hub.id for bookmark in self.hubs)


def read(session: Session, person: Person) -> Bar:
    """Return a person's bookmarks, with two queries.

    Hubs that the person added or moved come first, in that order; then the own hub, and owned, joined and subscribed
    hubs by name. Hubs that are archived or that the person may not see are left out.
    """
    rows = session.execute(_query(), listing.values(person)).all()
    note_reads(session, "hub", (row.id for row in rows))
    marks = {row.id: (row.position, row.hidden) for row in rows if row.position is not None}
    shown = [BookmarkedHub(*row[: len(BookmarkedHub._fields)]) for row in rows if row.is_shown]
    ordered = sorted(shown, key=lambda hub: _key(hub, marks.get(hub.id), person))
    hidden = {hub_id for hub_id, (_position, is_hidden) in marks.items() if is_hidden}
    return Bar(
        [hub for hub in ordered if hub.id not in hidden],
        [hub for hub in ordered if hub.id in hidden],
        frozenset(row.id for row in rows if row.is_unread),
        listing.count(session, person),
        {row.id: row.reader_tag for row in rows},
    )


@cache
def _query() -> Select[Any]:
    """Return the query of `read`, built once: building it takes longer than running it."""
    marked = select(Bookmark.hub_id).where(Bookmark.user_id == ANY_ACCOUNT.id)
    held = select(Role.hub_id).where(Role.user_id == ANY_ACCOUNT.id)
    unread = listing.unread_hubs().cte("unread")
    is_shown = and_(Hub.archived.is_(False), visible(ANY_ACCOUNT), or_(Hub.id.in_(marked), Hub.id.in_(held)))
    columns = [getattr(Hub, name) for name in BookmarkedHub._fields]
    is_unread = unread.c.hub_id.is_not(None)
    query = select(
        *columns,
        Bookmark.position,
        Bookmark.hidden,
        is_shown.label("is_shown"),
        is_unread.label("is_unread"),
        Hub.reader_tag,
    )
    query = query.outerjoin(Bookmark, and_(Bookmark.hub_id == Hub.id, Bookmark.user_id == ANY_ACCOUNT.id))
    # Only with a list of ids does the database read these hubs alone, whatever the number of all hubs.
    ids = marked.union(held, select(unread.c.hub_id))
    return query.outerjoin(unread, unread.c.hub_id == Hub.id).where(Hub.id.in_(ids))


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
    if not bar.has(hub):
        _store(session, user, [*(bookmark.id for bookmark in bar.hubs), hub.id])


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
    others = [other.id for other in bar.hubs if other != hub]
    others.insert(max(0, min(index, len(others))), hub.id)
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
    return user, read(session, person)


def _bookmarked(bar: Bar, hub_id: int) -> BookmarkedHub:
    for hub in bar.hubs:
        if hub.id == hub_id:
            return hub
    raise NotFound(_("This hub is not bookmarked."))


def _store(session: Session, user: User, hub_ids: Sequence[int]) -> None:
    known = {mark.hub_id: mark for mark in session.scalars(select(Bookmark).where(Bookmark.user_id == user.id))}
    for number, hub_id in enumerate(hub_ids):
        mark = known.get(hub_id) or Bookmark(user_id=user.id, hub_id=hub_id)
        mark.position, mark.hidden = number, False
        session.add(mark)
    session.flush()


def _key(hub: BookmarkedHub, mark: tuple[int, bool] | None, person: Person) -> tuple[int, int, str]:
    if mark is not None and not mark[1]:
        return (0, mark[0], "")
    weight = (
        -1 if hub.user_id == person.id else min((_WEIGHTS[name] for name in person.roles.get(hub.id, ())), default=9)
    )
    return (1, weight, hub.title.lower())
