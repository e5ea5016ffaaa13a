"""Search over teams, people and widgets: one function for the page, the palette and the API.

What a person may not see is left out by the database, with the rule of `permissions.can`: nothing tells of it, no
number and no suggestion. People who are left out of lists are found by themselves only.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, CompoundSelect, Select, case, func, literal_column, or_, select, union, union_all
from sqlalchemy.orm import Session, contains_eager

from hubs import urls
from hubs.models import Hub, User, Widget
from hubs.permissions import Person, can, listed, visible, visible_widgets
from hubs.search.fuzzy import ALIKE, LOOKED_AT, alike
from hubs.search.matching import IDS, among, with_words
from hubs.search.query import Query, closeness, read
from hubs.widgets.registry import Registry

#: Hits of each kind where nobody says how many, and at most.
SHOWN = 8
MOST = 50
#: Rows of each kind that are ranked. More than these fit only very short words; what is called exactly so, and widgets
#: on hubs of one's own, are always among them.
RANKED = 250
#: Typos are looked for where fewer than these, of all kinds, have the words themselves, and none is called just so.
FEW = 3

Kind = Literal["team", "person", "widget"]


@dataclass(frozen=True)
class Hit:
    """One thing found.

    ``id`` is of the hub (``team``), the account (``person``) or the widget; ``name`` is what addresses use (a widget's
    is its type's). ``hub`` is the title of the hub on which a widget is. ``guessed`` tells that the words themselves
    are not in it, only something that is written alike. ``avatar`` and ``banner`` are the look of a hub.
    """

    kind: Kind
    id: int
    name: str
    title: str
    detail: str
    path: str
    hub: str = ""
    guessed: bool = False
    avatar: str = ""
    banner: str = ""


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
    sources = (_Teams(session, who), _People(session, who), _Widgets(session, who, registry))
    found = _with_words(session, wanted, limit, sources)
    if sum(map(len, found)) < FEW and not any(_called(wanted, hit) for hits in found for hit in hits):
        ids = alike(session, wanted)
        found = [_with_guesses(wanted, limit, *pair, ids) for pair in zip(sources, found, strict=True)]
    return Found(wanted.text, *(tuple(hits) for hits in found))


class _Source(ABC):
    """One kind of thing: how its rows are selected, put in order, and told."""

    table: str
    #: What is called so, and what only has it in its name.
    names: tuple[Any, ...]

    def __init__(self, session: Session, who: Person) -> None:
        self.session, self.who = session, who
        #: Hubs on which the person holds a role.
        self.own = list(who.roles)

    @abstractmethod
    def ids(self, matches: ColumnElement[bool], wanted: Query) -> Select[Any] | CompoundSelect[Any]:
        """Return the query for the ids of rows that match: a bounded number, not all of which the person may see."""

    @abstractmethod
    def rows(self) -> Select[Any]:
        """Return the query for all rows that the person may see."""

    @abstractmethod
    def hit(self, row: Any, *, guessed: bool) -> Hit:
        """Return what is told of a row."""

    def order(self, wanted: Query) -> list[Any]:
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

    def ids(self, matches: ColumnElement[bool], wanted: Query) -> Select[Any] | CompoundSelect[Any]:
        exact = select(Hub.id).where(Hub.kind != "user", Hub.name == wanted.text)
        some = self.rows().with_only_columns(Hub.id).where(matches).limit(RANKED).subquery()
        return union(select(some.c.id), exact.where(matches))

    def rows(self) -> Select[Any]:
        return select(Hub).where(Hub.kind != "user", visible(self.who))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        path, look = urls.hub(row.kind, row.name), (row.avatar, row.banner)
        return Hit("team", row.id, row.name, row.title, row.summary, path, "", guessed, *look)


class _People(_Source):
    table, names = "users", (User.username, User.fullname)

    def ids(self, matches: ColumnElement[bool], wanted: Query) -> Select[Any] | CompoundSelect[Any]:
        some = select(User.id).where(matches, listed(self.who)).limit(RANKED).subquery()
        return union(select(some.c.id), select(User.id).where(User.username == wanted.text, matches))

    def rows(self) -> Select[Any]:
        query = select(Hub).join(Hub.user).options(contains_eager(Hub.user))
        return query.where(Hub.kind == "user", listed(self.who), visible(self.who))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        path, user = urls.hub(row.kind, row.name), cast("User", row.user)  # the query joins it
        look = (row.avatar, row.banner)
        return Hit("person", user.id, user.username, user.name, row.summary, path, "", guessed, *look)


class _Widgets(_Source):
    table, names = "widgets", (Widget.label, Widget.plugin)

    def __init__(self, session: Session, who: Person, registry: Registry) -> None:
        super().__init__(session, who)
        self.registry = registry

    def ids(self, matches: ColumnElement[bool], wanted: Query) -> Select[Any] | CompoundSelect[Any]:
        some = select(Widget.id).where(matches).limit(RANKED).subquery()
        return union(select(some.c.id), select(Widget.id).where(Widget.hub_id.in_(self.own), matches))

    def rows(self) -> Select[Any]:
        # A widget on the hub of an unlisted person would name that person.
        named = select(User.id).where(User.id == Hub.user_id, listed(self.who)).exists()
        query = select(Widget).join(Widget.hub).options(contains_eager(Widget.hub))
        return query.where(visible_widgets(self.who), or_(Hub.kind != "user", named))

    def hit(self, row: Widget, *, guessed: bool) -> Hit:
        found, hub = self.registry.get(row.plugin), row.hub
        detail = found.cls.summary if found else ""
        path = f"{urls.hub(hub.kind, hub.name)}#widget-{row.id}"
        return Hit("widget", row.id, row.plugin, self.registry.title(row), detail, path, hub.title, guessed)


def _with_words(session: Session, wanted: Query, limit: int, sources: Sequence[_Source]) -> list[list[Hit]]:
    """Return the hits of each source that have the words."""
    # First the ids, since PostgreSQL guesses how many match, and reads whole tables where it guesses too many.
    queries = []
    for source in sources:
        some = source.ids(with_words(session, source.table, wanted), wanted).subquery()
        queries.append(select(literal_column(f"'{source.table}'").label("kind"), some.c[0].label("id")))
    ids: dict[str, list[int]] = {}
    for kind, number in session.execute(union_all(*queries)):
        ids.setdefault(kind, []).append(number)
    return [
        [source.hit(row, guessed=False) for row in _rows(wanted, limit, source, ids.get(source.table, ()))]
        for source in sources
    ]


def _with_guesses(
    wanted: Query, limit: int, source: _Source, hits: list[Hit], ids: Mapping[str, Sequence[int]]
) -> list[Hit]:
    rows = _rows(wanted, LOOKED_AT, source, ids.get(source.table, ()))
    return [*hits, *_closest(wanted, [source.hit(row, guessed=True) for row in rows], hits)][:limit]


def _rows(wanted: Query, limit: int, source: _Source, ids: Sequence[int]) -> list[Hub | Widget]:
    """Return those of the rows ``ids`` that the person may see, in order."""
    if not ids:
        return []
    mine = among(source.session, IDS[source.table], ids)
    query = source.rows().where(mine).order_by(*source.order(wanted)).limit(limit)
    return [row for row in source.session.scalars(query) if can(source.who, "view", row)]


def _called(wanted: Query, hit: Hit) -> bool:
    """Return whether the name of a hit is exactly what was typed."""
    return wanted.text in (hit.name.lower(), hit.title.lower())


def _closest(wanted: Query, guesses: Sequence[Hit], known: Sequence[Hit]) -> list[Hit]:
    """Return the guesses that are close enough, the closest first, without those that are known."""
    ids = {hit.id for hit in known}
    rated = [(closeness(wanted, f"{hit.name} {hit.title}"), hit) for hit in guesses if hit.id not in ids]
    return [hit for close, hit in sorted(rated, key=lambda pair: -pair[0]) if close >= ALIKE]
