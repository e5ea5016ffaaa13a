"""Fills a PostgreSQL database with people and teams, quickly: eight widgets on every hub, in a mix of kinds."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, insert, literal, select, text
from sqlalchemy.orm import Session

from hubs.models import Base, Database, Hub, Role, User, Widget, migrations

#: The widgets of every hub. One hub of ten has an outside widget in place of the last.
PLUGINS = ("feed", "activity", "heatmap", "stats", "subscriptions", "about", "library", "contact")
#: The widget from outside: it declares interests and has a word of its own.
OUTSIDE = "bench-exact"
#: One team for so many people, with so many members.
PEOPLE_PER_TEAM, MEMBERS = 50, 20


def fill(database: Database, widgets: int) -> list[str]:
    """Make the tables and put ``widgets`` widgets on hubs; return the names of the people."""
    hubs = widgets // len(PLUGINS)
    people = hubs - hubs // (PEOPLE_PER_TEAM + 1)
    everybody, every_hub = f"generate_series(1, {people}) n", f"generate_series(1, {hubs}) n"
    teams = f"generate_series({people + 1}, {hubs}) n, generate_series(1, {MEMBERS}) m"
    plugins = ", ".join(f"('{plugin}', {place})" for place, plugin in enumerate(PLUGINS))
    migrations.upgrade(database)
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        _fill(session, User, everybody, {"id": "n", "username": "'someone' || n"})
        kind, owner = f"CASE WHEN n > {people} THEN 'team' ELSE 'user' END", f"CASE WHEN n <= {people} THEN n END"
        nick = "CASE WHEN n % 4 = 0 THEN json_build_object('chat_nick', 'Nick' || n) ELSE '{}' END"
        _fill(
            session,
            Hub,
            every_hub,
            {
                "id": "n",
                "name": "'someone' || n",
                "kind": kind,
                "user_id": owner,
                "extras": nick,
                # Hubs that have just changed are read into the daemon's index again, all at once if they are many.
                "updated_on": "now() - interval '1 day'",
            },
        )
        _fill(session, Role, everybody, {"hub_id": "n", "user_id": "n", "role": "'owner'"})
        chosen = f"1 + (n::bigint * 7919 + m * 104729) % {people}"
        _fill(session, Role, teams, {"hub_id": "n", "user_id": chosen, "role": "'member'"}, distinct=True)
        plugin = f"CASE WHEN place = {len(PLUGINS) - 1} AND n % 10 = 0 THEN '{OUTSIDE}' ELSE plugin END"
        settings = """(CASE plugin WHEN 'feed' THEN '{"limit": 20}' ELSE '{}' END)::json"""
        source = f"{every_hub}, (VALUES {plugins}) AS one (plugin, place)"
        values = {"hub_id": "n", "plugin": plugin, "key": "place::text", "position": "place", "settings": settings}
        _fill(session, Widget, source, values)
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return [f"someone{number}" for number in range(1, people + 1)]


def _fill(session: Session, model: type[Base], source: str, values: Mapping[str, str], distinct: bool = False) -> None:
    """Insert a row for each row of ``source``: ``values`` are SQL, other columns get the defaults of the model."""
    table: Any = model.__table__
    given = {name: text(value.replace(":", "\\:")) for name, value in values.items()}
    wanted = {column.name: _default(column) for column in table.columns if column.default and column.name not in given}
    columns = {**given, **wanted}
    query = select(*columns.values()).select_from(text(source.replace(":", "\\:")))
    session.execute(insert(table).from_select(list(columns), query.distinct() if distinct else query))


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    return literal(default.arg if default.is_scalar else default.arg(None), column.type)
