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
class Options:
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
    """One page of a directory; ``more`` is true if another follows."""

    entries: tuple[Entry, ...]
    page: int
    more: bool


def teams(session: Session, person: Person, options: Options) -> Listing:
    """Return a page of the teams that ``person`` may see.

    :raises NotFound: beyond the last page.
    """
    inside = select(Role.hub_id, func.count(Role.user_id.distinct()).label("members")).where(Role.role.in_(INSIDE))
    counted = inside.group_by(Role.hub_id).subquery()
    members = func.coalesce(counted.c.members, 0)
    every_team: Any = select(Hub, members).outerjoin(counted, counted.c.hub_id == Hub.id).where(Hub.kind != "user")
    statement = _filtered(session, every_team, person, options, "hubs")
    title = func.lower(func.coalesce(func.nullif(Hub.display_name, ""), Hub.name))
    orders: dict[str, tuple[Any, ...]] = {"name": (title,), "members": (members.desc(), title)}
    return _page(session, statement.order_by(*orders.get(options.order, (_LATEST, title)), Hub.id), options.page)


def people(session: Session, person: Person, options: Options) -> Listing:
    """Return a page of the people that ``person`` may see, without unlisted ones.

    :raises NotFound: beyond the last page.
    """
    everybody: Any = (
        select(Hub, literal(0))
        .join(Hub.user)
        .options(contains_eager(Hub.user))
        .where(Hub.kind == "user", listed(person))
    )
    statement = _filtered(session, everybody, person, options, "users")
    name = func.lower(func.coalesce(func.nullif(User.fullname, ""), User.username))
    order = (name,) if options.order == "name" else (_LATEST, name)
    return _page(session, statement.order_by(*order, Hub.id), options.page)


def at(session: Session, person: Person, addresses: Sequence[str]) -> list[Hub]:
    """Return the visible hubs at the first `ADDRESSES` paths such as ``/t/otters/``, in that order."""
    matches = [match.groups() for match in map(_ADDRESS.fullmatch, addresses[:ADDRESSES]) if match]
    keys = [(space == "u", name) for space, name in matches]
    statement = select(Hub).where(tuple_(Hub.kind == "user", Hub.name).in_(keys), visible(person))
    hubs = {(hub.kind == "user", hub.name): hub for hub in session.scalars(statement)}
    return [hubs[key] for key in dict.fromkeys(keys) if key in hubs]


_LATEST = Hub.last_activity.desc().nulls_last()


def _filtered(session: Session, statement: Any, person: Person, options: Options, table: str) -> Select[Any]:
    filtered: Select[Any] = statement.where(visible(person), _in_state(options.state))
    if options.mine:
        filtered = filtered.where(Hub.id.in_(list(person.roles)))
    query = read(options.typed)
    return filtered.where(with_words(session, table, query)) if query else filtered


def _in_state(state: str) -> ColumnElement[bool]:
    since = now() - timedelta(days=IDLE_AFTER_DAYS)
    idle = or_(Hub.last_activity.is_(None), Hub.last_activity < since)
    conditions = {
        "active": Hub.archived.is_(False) & (Hub.last_activity >= since),
        "idle": Hub.archived.is_(False) & idle,
        "archived": Hub.archived.is_(True),
    }
    return conditions.get(state, Hub.archived.is_(False))


def _page(session: Session, statement: Select[Any], page: int) -> Listing:
    if not 1 <= page <= LAST_PAGE:
        raise no_such_page()
    rows = session.execute(statement.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).all()
    if page > 1 and not rows:
        raise no_such_page()
    return Listing(tuple(Entry(hub, members) for hub, members in rows[:PER_PAGE]), page, len(rows) > PER_PAGE)
