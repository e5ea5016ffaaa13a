"""Search over teams, people and widgets: one function for the page, the palette and the API.

What a person may not see is left out by the database, with the rule of `permissions.can`: nothing tells of it, no
number and no suggestion. People who are left out of lists are found by themselves only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Select, case, func, or_, select, union
from sqlalchemy.orm import Session, contains_eager

from hubs import urls
from hubs.finding.matching import ALIKE, LOOKED_AT, alike, with_words
from hubs.finding.words import Wanted, closeness, read
from hubs.models import Hub, User, Widget
from hubs.permissions import Person, can, listed, visible, visible_widgets
from hubs.widgets.registry import Registry

#: Hits of each kind where nobody says how many, and at most.
SHOWN = 8
MOST = 50
#: People and widgets that are ranked. More than these fit only very short words; whoever is called exactly so, and
#: what is on hubs of one's own, is always among them.
RANKED = 2000
#: Typos are looked for where fewer than these have the words themselves.
FEW = 3

Kind = Literal["team", "person", "widget"]


@dataclass(frozen=True)
class Hit:
    """One thing found.

    ``id`` is of the hub (``team``), the account (``person``) or the widget; ``name`` is what addresses use (a widget's
    is its type's). ``hub`` is the title of the hub on which a widget is. ``guessed`` tells that the words themselves
    are not in it, only something that is written alike.
    """

    kind: Kind
    id: int
    name: str
    title: str
    detail: str
    path: str
    hub: str = ""
    guessed: bool = False


@dataclass(frozen=True)
class Found:
    """What a search found, best first; ``query`` is how it was read, empty where there was nothing to search for."""

    query: str = ""
    teams: tuple[Hit, ...] = ()
    people: tuple[Hit, ...] = ()
    widgets: tuple[Hit, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All of them, kind by kind."""
        return (*self.teams, *self.people, *self.widgets)


def search(session: Session, registry: Registry, who: Person, typed: str, limit: int = SHOWN) -> Found:
    """Return what ``who`` may see and meant by ``typed``: at most ``limit`` (1 to 50) of each kind.

    First comes what is called exactly so, then what is on one's own hubs, then names that begin so, then the rest;
    among equals what was active last. Anything can be typed: signs have no meaning, and what is too long is cut.
    """
    wanted, limit = read(typed), max(1, min(limit, MOST))
    if not wanted:
        return Found()
    return Found(
        wanted.text,
        _find(session, wanted, limit, _Teams(session, who)),
        _find(session, wanted, limit, _People(session, who)),
        _find(session, wanted, limit, _Widgets(session, who, registry)),
    )


class _Source:
    """One kind of thing: how its rows are selected, put in order, and told."""

    table: str
    #: What is called so, and what only has it in its name.
    names: tuple[Any, ...]

    def __init__(self, session: Session, who: Person) -> None:
        self.session, self.who = session, who
        #: Hubs on which the person holds a role.
        self.own = list(who.roles)

    def rows(self, matches: ColumnElement[bool], wanted: Wanted) -> Select[Any]:
        """Return the query for rows that match and that the person may see."""
        raise NotImplementedError

    def hit(self, row: Any, *, guessed: bool) -> Hit:
        """Return what is told of a row."""
        raise NotImplementedError

    def order(self, wanted: Wanted) -> list[Any]:
        """Return the order of the rows."""
        folded = [func.lower(name) for name in self.names]
        near = case(
            (or_(*(name == wanted.text for name in folded)), 0),
            (Hub.id.in_(self.own), 1),
            (or_(*(name.startswith(wanted.text, autoescape=True) for name in folded)), 2),
            (or_(*(name.contains(wanted.text, autoescape=True) for name in folded)), 3),
            else_=4,
        )
        return [near, Hub.archived, Hub.last_activity.desc().nulls_last(), Hub.name]


class _Teams(_Source):
    table, names = "hubs", (Hub.name, Hub.display_name)

    def rows(self, matches: ColumnElement[bool], wanted: Wanted) -> Select[Any]:
        return select(Hub).where(Hub.kind != "user", matches, visible(self.who))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        return Hit("team", row.id, row.name, row.title, row.summary, urls.hub(row.kind, row.name), guessed=guessed)


class _People(_Source):
    table, names = "users", (User.username, User.fullname)

    def rows(self, matches: ColumnElement[bool], wanted: Wanted) -> Select[Any]:
        some = select(User.id).where(matches, listed(self.who)).limit(RANKED).subquery()
        ids = union(select(some.c.id), select(User.id).where(User.username == wanted.text, matches))
        query = select(Hub).join(Hub.user).options(contains_eager(Hub.user)).where(User.id.in_(ids))
        return query.where(Hub.kind == "user", listed(self.who), visible(self.who))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        path, user = urls.hub(row.kind, row.name), cast("User", row.user)  # the query joins it
        return Hit("person", user.id, user.username, user.name, row.summary, path, guessed=guessed)


class _Widgets(_Source):
    table, names = "widgets", (Widget.label, Widget.plugin)

    def __init__(self, session: Session, who: Person, registry: Registry) -> None:
        super().__init__(session, who)
        self.registry = registry

    def rows(self, matches: ColumnElement[bool], wanted: Wanted) -> Select[Any]:
        some = select(Widget.id).where(matches).limit(RANKED).subquery()
        ids = union(select(some.c.id), select(Widget.id).where(Widget.hub_id.in_(self.own), matches))
        query = select(Widget).join(Widget.hub).options(contains_eager(Widget.hub)).where(Widget.id.in_(ids))
        # What is on the hub of somebody who is left out of lists would name them.
        named = select(User.id).where(User.id == Hub.user_id, listed(self.who)).exists()
        return query.where(visible_widgets(self.who), or_(Hub.kind != "user", named))

    def hit(self, row: Widget, *, guessed: bool) -> Hit:
        found, hub = self.registry.get(row.plugin), row.hub
        title = row.label or (found.label if found else row.plugin)
        detail = found.cls.summary if found else ""
        path = f"{urls.hub(hub.kind, hub.name)}#widget-{row.id}"
        return Hit("widget", row.id, row.plugin, title, detail, path, hub.title, guessed)


def _find(session: Session, wanted: Wanted, limit: int, source: _Source) -> tuple[Hit, ...]:
    query = source.rows(with_words(session, source.table, wanted), wanted)
    hits = [
        source.hit(row, guessed=False)
        for row in session.scalars(query.order_by(*source.order(wanted)).limit(limit))
        if can(source.who, "view", row)
    ]
    if len(hits) >= FEW:
        return tuple(hits)
    query = source.rows(alike(session, source.table, wanted), wanted)
    rows = session.scalars(query.order_by(*source.order(wanted)).limit(LOOKED_AT))
    return (*hits, *_closest(wanted, [source.hit(row, guessed=True) for row in rows], hits)[: limit - len(hits)])


def _closest(wanted: Wanted, guesses: Sequence[Hit], known: Sequence[Hit]) -> list[Hit]:
    """Return the guesses that are close enough, the closest first, without those that are known."""
    ids = {hit.id for hit in known}
    rated = [(closeness(wanted, f"{hit.name} {hit.title}"), hit) for hit in guesses if hit.id not in ids]
    return [hit for close, hit in sorted(rated, key=lambda pair: -pair[0]) if close >= ALIKE]
