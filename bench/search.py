"""Search among 5,000 teams and 100,000 people: PostgreSQL, a plain ILIKE scan of the same database, and SQLite.

Run it with ``python bench/search.py``. All three run the same mix of searches, as a member of some teams;
a result is teams, people and widgets, as `hubs.search.search.search` returns them.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, or_, select, text
from sqlalchemy.orm import Session, joinedload

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hubs.models import Database, Hub, Role, RoleName, User, Widget, migrations, now
from hubs.permissions import Person, listed, person, visible, visible_widgets
from hubs.search.search import SHOWN, search
from hubs.widgets.registry import Registry
from tests import services

#: Milliseconds within which 95 of 100 answers have to be there.
AIM = 50
SYLLABLES = "ka lo mi ra ten sol ver bri and ost ul fen gar hil jor ne pau qui sta tho wen yr zel dro cor"
SUBJECTS = "kernel fonts docs desktop cloud testing python rust design translation packaging security audio games"
PLUGINS = ("feed", "members", "meetings", "library", "issues", "sticky")


class Names:
    """Invented names, the same in every run."""

    def __init__(self) -> None:
        self.random = random.Random(7)

    def word(self) -> str:
        """Return a word of two to four syllables."""
        return "".join(self.random.choices(SYLLABLES.split(), k=self.random.randint(2, 4)))

    def mix(self, kind: str) -> str:
        """Return a search of one kind."""
        word = self.word()
        if kind == "exact":
            return f"{word}{self.random.randrange(100_000)}"
        if kind == "prefix":
            return word[: self.random.randint(2, 5)]
        if kind == "typo":
            at = self.random.randrange(1, len(word))
            return word[:at] + self.random.choice("aeiou") + word[at + 1 :]
        if kind == "several words":
            return f"{self.random.choice(SUBJECTS.split())} {word[:4]}"
        return f"xq{word}vv"


def fill(database: Database, teams: int, people: int) -> Person:
    """Fill a database that was just made; return somebody with some teams."""
    names, moment = Names(), now()
    users: list[dict[str, Any]] = [
        {"id": n, "username": f"{names.word()}{n}", "fullname": f"{names.word()} {names.word()}".title()}
        for n in range(1, people + 1)
    ]
    hubs: list[dict[str, Any]] = [
        {
            "id": n,
            "kind": "team",
            "name": f"{names.random.choice(SUBJECTS.split())}-{names.word()}-{n}",
            "summary": f"{names.random.choice(SUBJECTS.split())} and {names.word()}",
            "description": " ".join(names.word() for _ in range(30)),
            "last_activity": moment,
            "user_id": None,
        }
        for n in range(1, teams + 1)
    ]
    own = {"kind": "user", "summary": "", "description": "", "last_activity": moment}
    hubs += [{**own, "id": teams + user["id"], "name": user["username"], "user_id": user["id"]} for user in users]
    widgets = [
        {
            "hub_id": hub["id"],
            "plugin": plugin,
            "label": names.word().title() if at == 0 and hub["kind"] == "team" else "",
        }
        for hub in hubs
        for at, plugin in enumerate(PLUGINS if hub["kind"] == "team" else PLUGINS[:2])
    ]
    roles = [Role(hub_id=n, user_id=1, role=RoleName.MEMBER) for n in range(1, 13)]
    with database.transaction() as session:
        for model, rows in ((User, users), (Hub, hubs), (Widget, widgets)):
            session.execute(insert(model), rows)
        session.add_all(roles)
        if database.engine.dialect.name == "postgresql":
            for table in ("users", "hubs", "widgets"):
                session.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.engine.dialect.name == "sqlite" else "VACUUM ANALYZE"))
    return person(1, users[0]["username"], roles)


def scan(session: Session, who: Person, typed: str) -> list[Any]:
    """Return what a plain ILIKE scan finds: any of it in the name, no typos, no order but activity."""
    like = [f"%{word}%" for word in typed.split()]

    def has(*columns: Any) -> list[Any]:
        return [or_(*(column.ilike(word) for column in columns)) for word in like]

    latest = Hub.last_activity.desc().nulls_last()
    teams = select(Hub).where(
        Hub.kind != "user", visible(who), *has(Hub.name, Hub.display_name, Hub.summary, Hub.description)
    )
    people = (
        select(Hub).join(Hub.user).options(joinedload(Hub.user)).where(Hub.kind == "user", visible(who), listed(who))
    )
    widgets = select(Widget).join(Widget.hub).options(joinedload(Widget.hub)).where(visible_widgets(who))
    queries = (
        teams,
        people.where(*has(User.username, User.fullname)),
        widgets.where(*has(Widget.label, Widget.plugin)),
    )
    return [row for query in queries for row in session.scalars(query.order_by(latest).limit(SHOWN))]


def timed(database: Database, ask: Callable[[Session, str], Any], searches: list[str]) -> list[float]:
    """Return the milliseconds of each search, in a session of its own, as a request has."""
    took = []
    for typed in searches:
        with database.session() as session:
            start = time.perf_counter()
            ask(session, typed)
            took.append(1000 * (time.perf_counter() - start))
    return took


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values is."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Print one line per kind of search and database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=5_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60, help="searches of each kind")
    wanted = parser.parse_args()
    registry, kinds = Registry(), ("exact", "prefix", "typo", "several words", "no hit")
    with services.postgresql() as (_, port), tempfile.TemporaryDirectory() as folder:
        server = create_engine(
            f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres", isolation_level="AUTOCOMMIT"
        )
        with server.connect() as connection:
            connection.execute(text("CREATE DATABASE bench"))
        server.dispose()
        databases = {
            "PostgreSQL": Database(f"postgresql+psycopg2://postgres@127.0.0.1:{port}/bench"),
            "SQLite FTS5": Database(f"sqlite:///{folder}/hubs.db"),
        }
        people = {}
        for name, database in databases.items():
            migrations.upgrade(database)
            people[name] = fill(database, wanted.teams, wanted.people)
        names = Names()
        searches = {kind: [names.mix(kind) for _ in range(wanted.rounds)] for kind in kinds}
        searches["exact"] = exact(databases["PostgreSQL"], wanted.rounds)
        load = os.getloadavg()[0]
        print(
            f"{wanted.teams:,} teams, {wanted.people:,} people; {wanted.rounds} searches of each kind; load {load:.1f}"
        )
        print(f"{'':<34}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
        ours = []
        for name, database in databases.items():
            asker = people[name]
            ask = lambda session, typed, asker=asker: search(session, registry, asker, typed)  # noqa: E731
            timed(database, ask, [names.word() for _ in range(5)])
            ours.append(report(name, database, ask, searches))
        peer = lambda session, typed: scan(session, people["PostgreSQL"], typed)  # noqa: E731
        few = {kind: typed[: max(10, wanted.rounds // 5)] for kind, typed in searches.items()}
        report("peer: ILIKE scan, no typos", databases["PostgreSQL"], peer, few)
        for database in databases.values():
            database.dispose()
    print(f"aim: p95 of all on PostgreSQL at most {AIM} ms: {'met' if ours[0] <= AIM else 'MISSED'}")


def exact(database: Database, rounds: int) -> list[str]:
    """Return names of people and teams that there are."""
    with database.session() as session:
        users = session.scalars(select(User.username).where(User.id % 997 == 0).limit(rounds // 2)).all()
        teams = session.scalars(select(Hub.name).where(Hub.kind == "team", Hub.id % 97 == 0).limit(rounds // 2)).all()
    return [*users, *teams]


def report(name: str, database: Database, ask: Callable[[Session, str], Any], searches: dict[str, list[str]]) -> float:
    """Print the figures of one way to search; return the 95th percentile of all in milliseconds."""
    everything = []
    for kind, typed in searches.items():
        took = timed(database, ask, typed)
        everything += took
        print(
            f"{name + ', ' + kind:<34}{percentile(took, 0.5):>9.1f}{percentile(took, 0.95):>9.1f}{max(took):>9.1f}",
            flush=True,
        )
    all_of = f"{name}, all"
    print(
        f"{all_of:<34}{percentile(everything, 0.5):>9.1f}{percentile(everything, 0.95):>9.1f}{max(everything):>9.1f}",
        flush=True,
    )
    return percentile(everything, 0.95)


if __name__ == "__main__":
    main()
