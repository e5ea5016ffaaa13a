"""Directories of the teams and people that a person may see: filtered, sorted, paged."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager

from hubs.models import Hub, Role, User, now
from hubs.models.idle import IDLE_AFTER_DAYS
from hubs.permissions import INSIDE, Person, listed, visible
from hubs.search.matching import with_words
from hubs.search.query import read
from hubs.widgets.paging import no_such_page

#: Entries on one page, and the last page that is read.
PER_PAGE = 48
LAST_PAGE = 10_000
#: Filters by activity: all but archived hubs, active within a month, idle for longer, archived.
STATES = ("", "active", "idle", "archived")
TEAM_ORDERS = ("activity", "name", "members")
PEOPLE_ORDERS = ("activity", "name")
#: Most addresses that `at` resolves.
ADDRESSES = 8
_ADDRESS = re.compile(r"/([ut])/([^/]+)/")


@dataclass(frozen=True)
class Wish:
    """Filters, order and page of a directory; unknown values count as the default."""

    typed: str = ""
    state: str = ""
    mine: bool = False
    order: str = "activity"
    page: int = 1


@dataclass(frozen=True)
class Entry:
    """A hub of a directory; ``members`` counts owners and members of a team."""

    hub: Hub
    members: int = 0


@dataclass(frozen=True)
class Listing:
    """One page of a directory; ``more`` tells whether another follows."""

    entries: tuple[Entry, ...]
    page: int
    more: bool


def teams(session: Session, who: Person, wish: Wish) -> Listing:
    """Return a page of the teams that ``who`` may see.

    :raises NotFound: beyond the last page.
    """
    inside = select(Role.hub_id, func.count(Role.user_id.distinct()).label("members")).where(Role.role.in_(INSIDE))
    counted = inside.group_by(Role.hub_id).subquery()
    members = func.coalesce(counted.c.members, 0)
    query = select(Hub, members).outerjoin(counted, counted.c.hub_id == Hub.id).where(Hub.kind != "user")
    found = _filtered(session, query, who, wish, "hubs")
    title = func.lower(func.coalesce(func.nullif(Hub.display_name, ""), Hub.name))
    orders: dict[str, tuple[Any, ...]] = {"name": (title,), "members": (members.desc(), title)}
    return _page(session, found.order_by(*orders.get(wish.order, (_LATEST, title)), Hub.id), wish.page)


def people(session: Session, who: Person, wish: Wish) -> Listing:
    """Return a page of the people that ``who`` may see, without unlisted ones.

    :raises NotFound: beyond the last page.
    """
    query = (
        select(Hub, literal(0)).join(Hub.user).options(contains_eager(Hub.user)).where(Hub.kind == "user", listed(who))
    )
    found = _filtered(session, query, who, wish, "users")
    name = func.lower(func.coalesce(func.nullif(User.fullname, ""), User.username))
    order = (name,) if wish.order == "name" else (_LATEST, name)
    return _page(session, found.order_by(*order, Hub.id), wish.page)


def at(session: Session, who: Person, addresses: Sequence[str]) -> list[Hub]:
    """Return the visible hubs at the first `ADDRESSES` of paths such as ``/t/otters/``, in that order."""
    found = [match.groups() for match in map(_ADDRESS.fullmatch, addresses[:ADDRESSES]) if match]
    wanted = [(space == "u", name) for space, name in found]
    query = select(Hub).where(tuple_(Hub.kind == "user", Hub.name).in_(wanted), visible(who))
    hubs = {(hub.kind == "user", hub.name): hub for hub in session.scalars(query)}
    return [hubs[key] for key in dict.fromkeys(wanted) if key in hubs]


_LATEST = Hub.last_activity.desc().nulls_last()


def _filtered(session: Session, query: Any, who: Person, wish: Wish, table: str) -> Select[Any]:
    found: Select[Any] = query.where(visible(who), _in_state(wish.state))
    if wish.mine:
        found = found.where(Hub.id.in_(list(who.roles)))
    wanted = read(wish.typed)
    return found.where(with_words(session, table, wanted)) if wanted else found


def _in_state(state: str) -> ColumnElement[bool]:
    since = now() - timedelta(days=IDLE_AFTER_DAYS)
    idle = or_(Hub.last_activity.is_(None), Hub.last_activity < since)
    conditions = {
        "active": Hub.archived.is_(False) & (Hub.last_activity >= since),
        "idle": Hub.archived.is_(False) & idle,
        "archived": Hub.archived.is_(True),
    }
    return conditions.get(state, Hub.archived.is_(False))


def _page(session: Session, query: Select[Any], page: int) -> Listing:
    if not 1 <= page <= LAST_PAGE:
        raise no_such_page()
    rows = session.execute(query.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).all()
    if page > 1 and not rows:
        raise no_such_page()
    return Listing(tuple(Entry(hub, members) for hub, members in rows[:PER_PAGE]), page, len(rows) > PER_PAGE)
