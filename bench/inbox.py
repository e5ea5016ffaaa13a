"""The inbox of one person with 100,000 notifications on PostgreSQL: lists, later pages, filters and figures.

Run it with ``python bench/inbox.py``; 95 of 100 lists have to be there within `AIM` milliseconds. The processor time of
this process and of its database session is printed too, since it depends less on what else the machine does.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hubs.actions.inbox import listing
from hubs.actions.inbox.listing import Box, Filters
from hubs.models import Database, Hub, Notice, NoticeKind, NoticeReason, Role, RoleName, User, migrations, now
from hubs.permissions import Person, person
from tests import services

#: Milliseconds within which 95 of 100 lists have to be there.
AIM = 50
HUBS = 200
#: Of 100 notifications: how many need the person, and how many are done.
NEEDS, DONE = 15, 30


def fill(database: Database, count: int) -> Person:
    """Store the notifications of one person; return the person."""
    chance = random.Random(7)
    with database.transaction() as session:
        user = User(username="ottoline")
        session.add(user)
        session.add_all([Hub(kind="team", name=f"team{number}") for number in range(HUBS)])
        session.flush()
        hub_ids = [hub.id for hub in session.query(Hub)]
        session.add_all([Role(hub_id=hub_id, user_id=user.id, role=RoleName.MEMBER) for hub_id in hub_ids])
        for first in range(0, count, 5000):
            rows = [_row(chance, user.id, hub_ids, number) for number in range(first, min(count, first + 5000))]
            session.execute(insert(Notice), rows)
        roles = session.query(Role).filter_by(user_id=user.id).all()
        reader = person(user.id, user.username, roles)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return reader


def _row(chance: random.Random, user_id: int, hub_ids: list[int], number: int) -> dict[str, object]:
    moment = now() - timedelta(minutes=number)
    return {
        "user_id": user_id,
        "hub_id": chance.choice(hub_ids),
        "kind": NoticeKind.MENTION,
        "reason": chance.choice(list(NoticeReason)),
        "needs_you": chance.randrange(100) < NEEDS,
        "subject": f"forge.example/otters#{number}",
        "about": f"person{chance.randrange(500)}",
        "created_on": moment,
        "moved_on": moment,
        "read": chance.random() < 0.5,
        "saved": chance.random() < 0.01,
        "done_on": moment if chance.randrange(100) < DONE else None,
    }


def measure(session: Session, reader: Person, rounds: int) -> None:
    """Print how long each kind of request takes."""
    cursor = listing.page(session, reader, Box.NEWS).next
    for _page in range(20):
        cursor = listing.page(session, reader, Box.NEWS, before=cursor).next
    hub = session.query(Hub).first()
    acts: dict[str, Callable[[], object]] = {
        "needs you": lambda: listing.page(session, reader, Box.NEEDS_YOU),
        "news": lambda: listing.page(session, reader, Box.NEWS),
        "news, page 22": lambda: listing.page(session, reader, Box.NEWS, before=cursor),
        "news of a hub": lambda: listing.page(session, reader, Box.NEWS, Filters(hub.id if hub else 0)),
        "done": lambda: listing.page(session, reader, Box.DONE),
        "saved": lambda: listing.page(session, reader, Box.SAVED),
        "figures": lambda: listing.counts(session, reader),
        # As they are read after each commit that changes them: the statement reads the roles as well.
        "published figures": lambda: listing.counts_of(session.connection(), reader.id),
    }
    for name, act in acts.items():
        begun = _processor_time(session)
        taken = sorted(_timed(session, act) for _round in range(rounds))
        spent = _processor_time(session) - begun
        p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
        verdict = "ok" if p95 <= AIM else "TOO SLOW"
        print(f"{name:>17}: p50 {p50:6.1f} ms, p95 {p95:6.1f} ms, cpu {1000 * spent / rounds:5.1f} ms  {verdict}")


def _processor_time(session: Session) -> float:
    """Return the seconds of processor time that this process and the database's process for its session have used."""
    backend = session.scalar(text("SELECT pg_backend_pid()"))
    # The name of the process, in parentheses, may contain spaces; user and system time are fields 14 and 15.
    fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _timed(session: Session, act: Callable[[], object]) -> float:
    session.expunge_all()
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    """Fill a database and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=100)
    chosen = options.parse_args()
    with services.postgresql() as (_server, port):
        database = Database(f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres")
        migrations.upgrade(database)
        reader = fill(database, chosen.count)
        with database.session() as session:
            measure(session, reader, chosen.rounds)
        database.dispose()


if __name__ == "__main__":
    main()
