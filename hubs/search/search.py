"""Search over teams, people and widgets: one function for the page, the palette and the API.

The database leaves out what a person may not see, with the rule of `permissions.can`, so that neither counts nor
suggestions reveal it. Unlisted people can be found only by themselves.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, CompoundSelect, Select, case, func, literal_column, or_, select, union, union_all
from sqlalchemy.orm import Session, contains_eager, joinedload

from hubs import i18n, urls
from hubs.models import Hub, User, Widget
from hubs.permissions import Person, can, listed, visible, visible_widgets
from hubs.search.fuzzy import LOOKED_AT, MIN_CLOSENESS, similar
from hubs.search.matching import IDS, among, with_words
from hubs.search.query import Query, closeness, read
from hubs.widgets.registry import Registry

#: Default and maximum number of hits per kind.
SHOWN = 8
MOST = 50
#: Rows ranked per kind. Only very short words match more; exact names, and widgets on the person's own hubs, are always
#: included.
RANKED = 250
#: Similar titles are added if fewer rows than this, over all kinds, match the words, and none has the exact name.
FEW = 3

Kind = Literal["team", "person", "widget"]


@dataclass(frozen=True)
class Hit:
    """One search result.

    ``id`` is that of the hub (``team``), the account (``person``) or the widget; ``name`` is the name in addresses, for
    a widget that of its type. ``hub`` is the title of a widget's hub. ``guessed`` is true if the title is only similar
    to the search. ``avatar``, ``banner``, ``emblem`` and ``icon`` are the appearance of a hub.
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
    emblem: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Results:
    """The results of a search, best first; ``query`` is the normalised search, empty if it has no words."""

    query: str = ""
    teams: tuple[Hit, ...] = ()
    people: tuple[Hit, ...] = ()
    widgets: tuple[Hit, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits, kind by kind."""
        return (*self.teams, *self.people, *self.widgets)


def search(session: Session, registry: Registry, person: Person, typed: str, limit: int = SHOWN) -> Results:
    """Search for ``typed`` among what ``person`` may see: at most ``limit`` (1 to 50) hits per kind.

    Exact names come first, then results on the person's own hubs, then names that begin with the search, then the rest,
    each by latest activity. Punctuation has no meaning, and long searches are cut.
    """
    query, limit = read(typed), max(1, min(limit, MOST))
    if not query:
        return Results()
    sources = (_Teams(session, person), _People(session, person), _Widgets(session, person, registry))
    results = _with_words(session, query, limit, sources)
    if sum(map(len, results)) < FEW and not any(_is_exact(query, hit) for hits in results for hit in hits):
        ids = similar(session, query)
        results = [_with_guesses(query, limit, *pair, ids) for pair in zip(sources, results, strict=True)]
    return Results(query.text, *(tuple(hits) for hits in results))


class _Source(ABC):
    """One kind of result: how its rows are selected, ordered and turned into hits."""

    table: str
    #: The columns that hold the names of a row.
    names: tuple[Any, ...]

    def __init__(self, session: Session, person: Person) -> None:
        self.session, self.person = session, person
        #: Ids of the hubs on which the person has a role.
        self.own = list(person.roles)

    @abstractmethod
    def ids(self, matches: ColumnElement[bool], query: Query) -> Select[Any] | CompoundSelect[Any]:
        """Return the statement for the ids of matching rows: a limited number, not yet filtered by permission."""

    @abstractmethod
    def rows(self) -> Select[Any]:
        """Return the statement for all rows that the person may see."""

    @abstractmethod
    def hit(self, row: Any, *, guessed: bool) -> Hit:
        """Return the hit for a row."""

    def order(self, query: Query) -> list[Any]:
        """Return the order of the rows."""
        folded = [func.lower(name) for name in self.names]
        near = case(
            (or_(*(name == query.text for name in folded)), 0),
            (Hub.id.in_(self.own), 1),
            (or_(*(name.startswith(query.text, autoescape=True) for name in folded)), 2),
            (or_(*(name.contains(query.text, autoescape=True) for name in folded)), 3),
            else_=4,
        )
        return [near, Hub.archived, Hub.last_activity.desc().nulls_last(), Hub.name]


class _Teams(_Source):
    table, names = "hubs", (Hub.name, Hub.display_name)

    def ids(self, matches: ColumnElement[bool], query: Query) -> Select[Any] | CompoundSelect[Any]:
        exact = select(Hub.id).where(Hub.kind != "user", Hub.name == query.text)
        some = self.rows().with_only_columns(Hub.id).where(matches).limit(RANKED).subquery()
        return union(select(some.c.id), exact.where(matches))

    def rows(self) -> Select[Any]:
        return select(Hub).where(Hub.kind != "user", visible(self.person))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        path, look = urls.hub(row.kind, row.name), (row.avatar, row.banner, row.emblem, row.icon)
        return Hit("team", row.id, row.name, row.title, row.summary, path, "", guessed, *look)


class _People(_Source):
    table, names = "users", (User.username, User.fullname)

    def ids(self, matches: ColumnElement[bool], query: Query) -> Select[Any] | CompoundSelect[Any]:
        some = select(User.id).where(matches, listed(self.person)).limit(RANKED).subquery()
        return union(select(some.c.id), select(User.id).where(User.username == query.text, matches))

    def rows(self) -> Select[Any]:
        statement = select(Hub).join(Hub.user).options(contains_eager(Hub.user))
        return statement.where(Hub.kind == "user", listed(self.person), visible(self.person))

    def hit(self, row: Hub, *, guessed: bool) -> Hit:
        path, user = urls.hub(row.kind, row.name), cast("User", row.user)  # the query joins it
        look = (row.avatar, row.banner, row.emblem, row.icon)
        return Hit("person", user.id, user.username, user.name, row.summary, path, "", guessed, *look)


class _Widgets(_Source):
    table, names = "widgets", (Widget.label, Widget.plugin)

    def __init__(self, session: Session, person: Person, registry: Registry) -> None:
        super().__init__(session, person)
        self.registry = registry

    def ids(self, matches: ColumnElement[bool], query: Query) -> Select[Any] | CompoundSelect[Any]:
        some = select(Widget.id).where(matches).limit(RANKED).subquery()
        return union(select(some.c.id), select(Widget.id).where(Widget.hub_id.in_(self.own), matches))

    def rows(self) -> Select[Any]:
        # A widget on the hub of an unlisted person would reveal that person.
        named = select(User.id).where(User.id == Hub.user_id, listed(self.person)).exists()
        statement = select(Widget).join(Widget.hub).options(contains_eager(Widget.hub), joinedload(Widget.page))
        return statement.where(visible_widgets(self.person), or_(Hub.kind != "user", named))

    def hit(self, row: Widget, *, guessed: bool) -> Hit:
        widget_type, hub = self.registry.get(row.plugin), row.hub
        detail = i18n.gettext(widget_type.cls.summary) if widget_type else ""
        path = f"{urls.hub_page(hub.kind, hub.name, row.slug)}#widget-{row.id}"
        title = self.registry.title(row, translate=i18n.gettext)
        return Hit("widget", row.id, row.plugin, title, detail, path, hub.title, guessed)


def _with_words(session: Session, query: Query, limit: int, sources: Sequence[_Source]) -> list[list[Hit]]:
    """Return the hits of each source that contain the words."""
    # The ids are read first: if PostgreSQL overestimates the matches of a joined query, it reads whole tables.
    queries = []
    for source in sources:
        some = source.ids(with_words(session, source.table, query), query).subquery()
        queries.append(select(literal_column(f"'{source.table}'").label("kind"), some.c[0].label("id")))
    ids: dict[str, list[int]] = {}
    for kind, number in session.execute(union_all(*queries)):
        ids.setdefault(kind, []).append(number)
    return [
        [source.hit(row, guessed=False) for row in _rows(query, limit, source, ids.get(source.table, ()))]
        for source in sources
    ]


def _with_guesses(
    query: Query, limit: int, source: _Source, hits: list[Hit], ids: Mapping[str, Sequence[int]]
) -> list[Hit]:
    rows = _rows(query, LOOKED_AT, source, ids.get(source.table, ()))
    return [*hits, *_closest(query, [source.hit(row, guessed=True) for row in rows], hits)][:limit]


def _rows(query: Query, limit: int, source: _Source, ids: Sequence[int]) -> list[Hub | Widget]:
    """Return the rows with ``ids`` that the person may see, in order."""
    if not ids:
        return []
    mine = among(source.session, IDS[source.table], ids)
    statement = source.rows().where(mine).order_by(*source.order(query)).limit(limit)
    return [row for row in source.session.scalars(statement) if can(source.person, "view", row)]


def _is_exact(query: Query, hit: Hit) -> bool:
    """Return whether the search is the exact name of a hit."""
    return query.text in (hit.name.lower(), hit.title.lower())


def _closest(query: Query, guesses: Sequence[Hit], known: Sequence[Hit]) -> list[Hit]:
    """Return the guesses that are close enough, the closest first, without ``known`` hits."""
    ids = {hit.id for hit in known}
    rated = [(closeness(query, f"{hit.name} {hit.title}"), hit) for hit in guesses if hit.id not in ids]
    return [hit for close, hit in sorted(rated, key=lambda pair: -pair[0]) if close >= MIN_CLOSENESS]
