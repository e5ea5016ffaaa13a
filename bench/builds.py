"""Builds of the widgets that read stored messages, on a small instance and on a large one.

A message rebuilds the widgets it touches while people are viewing them, so builds must not get slower with more people
and messages. Run it with ``python bench/builds.py``; ``--sizes 100000:1000000 100000:10000000`` takes half an hour and
10 GB. Messages are partitioned by month. On a real PostgreSQL there are people, one in ten of whom hides
what they do, and messages of the last twelve weeks, each about one or two of them, some being named far more often.
Beside the feed is the plain statement for it: all messages that name them, except about people who hide, sorted; inf
if it takes longer than the 15 seconds after which the database cancels it.
The last columns are the stream of somebody who follows the hub, and what the front page shows to visitors: the newest
activities of all, and the last ones of this hub.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hubs import cache
from hubs.actions.people import stream
from hubs.digest import live
from hubs.fragments.store import FragmentStore
from hubs.models import Database, Hub, Role, RoleName, User, Widget, migrations, now
from hubs.models.months import conversion
from hubs.permissions import VISITOR, person
from hubs.views.home.front import LINES, RECENT
from hubs.widgets.registry import Registry
from tests import services
from tests.stack import KEY

PLUGINS = ("feed", "activity", "heatmap", "stats", "members")
COLUMNS = ("feed", "plain", *PLUGINS[1:], "stream", "front")
#: The time of the messages.
SPAN = timedelta(weeks=12)
#: Members of the teams, by their names; the first of them are those who are named most often.
TEAMS = {"team of 30": 30, "team of 300": 300}

_FILL = (
    """INSERT INTO users (username, fullname, timezone, locale, about, unlisted, quiet_unfollow, created_on, activity)
    SELECT 'p' || n, 'Person ' || n, 'UTC', '', '', false, true, now(),
      CASE WHEN n % 10 = 0 THEN 'members' ELSE 'public' END FROM generate_series(1, :people) n""",
    # As many in each month as in the others, in the order of their receipt.
    """INSERT INTO messages (msg_id, topic, category, sent_at, received_at, sentence, link, icon, body)
    SELECT 'm' || n, 'org.example.prod.git.receive', (ARRAY['git', 'bodhi', 'wiki', 'pagure', 'copr'])[1 + n % 5],
      at, at, 'Somebody did something.', 'https://git.example/' || n, '', json_build_object('number', n)
    FROM (SELECT n, now() - interval '12 weeks' * (1 - n / :messages ::float) AS at
      FROM generate_series(1, :messages) n) sent""",
    "INSERT INTO message_ids (msg_id, message_id, received_at) SELECT msg_id, id, received_at FROM messages",
    # The share of a person among all falls with the number: the first is named in one message of fifty or so.
    """INSERT INTO message_people (message_id, username, sent_at, received_at, category)
    SELECT id, 'p' || floor(exp(random() * ln(:people)))::int, sent_at, sent_at, category FROM messages""",
    """INSERT INTO message_people (message_id, username, sent_at, received_at, category)
    SELECT id, 'p' || ceil(random() * :people)::int, sent_at, sent_at, category FROM messages
    ON CONFLICT DO NOTHING""",
)
_PLAIN = text(
    """SELECT m.id, m.sentence, m.link, m.sent_at FROM messages m JOIN (
      SELECT DISTINCT message_id, sent_at FROM message_people mp
      WHERE username IN (SELECT username FROM users u JOIN roles r ON r.user_id = u.id WHERE r.hub_id = :hub)
      AND username NOT IN (SELECT username FROM users WHERE activity <> 'public')
      AND NOT EXISTS (SELECT 1 FROM message_people o JOIN users u USING (username)
        WHERE o.message_id = mp.message_id AND u.activity <> 'public')
      ORDER BY sent_at DESC, message_id DESC LIMIT 31) newest ON newest.message_id = m.id ORDER BY m.sent_at DESC"""
)


def fill(database: Database, people: int, messages: int) -> None:
    """Fill a database that was just made, with hubs for the most active person and for the teams."""
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        # No triggers and no foreign keys, which take most of the time of ten million rows.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in _FILL:
            session.execute(text(statement), {"people": people, "messages": messages})
        session.execute(text("SET LOCAL session_replication_role = origin"))
        _hub(session, "user", "p1", 1)
        for name, members in TEAMS.items():
            _hub(session, "team", name.replace(" ", "-"), members)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("RESET statement_timeout"))


def _hub(session: Session, kind: str, name: str, members: int) -> None:
    owner = session.execute(text("SELECT id FROM users WHERE username = 'p1'")).scalar_one() if kind == "user" else None
    hub = Hub(kind=kind, name=name, user_id=owner)
    hub.widgets = [Widget(plugin=plugin, side="left", settings={}, version=1) for plugin in PLUGINS]
    session.add(hub)
    session.flush()
    roles = """INSERT INTO roles (hub_id, user_id, role, created_on)
      SELECT :hub, id, CASE WHEN username = 'p1' THEN 'owner' ELSE 'member' END, now()
      FROM users WHERE substr(username, 2)::int <= :members"""
    session.execute(text(roles), {"hub": hub.id, "members": members})
    follower = session.query(User).filter_by(username=_follower(hub)).one()
    session.add(Role(hub_id=hub.id, user_id=follower.id, role=RoleName.SUBSCRIBER))


def _follower(hub: Hub) -> str:
    """Return the name of somebody who follows this hub and no other."""
    return f"p{900 + hub.id}"


def milliseconds(act: Callable[[], object], rounds: int) -> float:
    """Return the median of what ``act`` takes, once it is warm."""
    act()
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took)


def measure(session: Session, fragments: FragmentStore, hub: Hub, rounds: int) -> dict[str, float]:
    """Return the milliseconds of each widget's build on a hub, of the plain statement, and of the other columns."""
    figures = {}
    for row in hub.widgets:
        figures[row.plugin] = milliseconds(partial(_build, fragments, row), rounds)
        session.rollback()  # as after any build
    user = session.query(User).filter_by(username=_follower(hub)).one()
    who = person(user.id, user.username, user.roles)
    figures["stream"] = milliseconds(lambda: stream.read(session, who), rounds)
    figures["front"] = milliseconds(partial(_front, session, hub), rounds)
    figures["plain"] = _plain(session, hub, min(rounds, 5))
    return figures


def _front(session: Session, hub: Hub) -> None:
    assert len(live.newest(session, VISITOR, LINES)) == LINES
    assert live.last_of_teams(session, VISITOR, [hub], now() - RECENT)[hub.id]


def _plain(session: Session, hub: Hub, rounds: int) -> float:
    try:
        return milliseconds(lambda: session.execute(_PLAIN, {"hub": hub.id}).all(), rounds)
    except OperationalError:  # cancelled after `STATEMENT_TIMEOUT`
        session.rollback()
        return math.inf


def _build(fragments: FragmentStore, row: Widget) -> None:
    kind = fragments.registry.get(row.plugin)
    assert kind is not None
    fragment = fragments.build(row, stale=kind.functions)
    assert fragment.state == "live", fragment.error


def tell(people: int, messages: int, rounds: int) -> None:
    """Make an instance and print a line for each of its hubs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        services.postgresql() as (_, port),
        services.memcached(Path(folder)) as (_, cached),
    ):
        database = Database(f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres")
        migrations.upgrade(database)
        conversion.partition_empty(database, now() - SPAN)
        fill(database, people, messages)
        fragments = FragmentStore(Registry(), cache.connect(f"memcached://127.0.0.1:{cached}"), KEY.encode(), 3600)
        with database.session() as session:
            for hub in session.query(Hub).order_by(Hub.id):
                figures = measure(session, fragments, hub, rounds)
                line = "".join(f"{figures[column]:>10.1f}" for column in COLUMNS)
                print(f"{people:>8,} {messages:>10,} {hub.name.replace('-', ' '):<12}{line}", flush=True)
        database.dispose()


def main() -> None:
    """Print one line per instance and hub."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="builds of each widget")
    parser.add_argument("--sizes", nargs="*", default=["1000:10000", "100000:1000000"], help="PEOPLE:MESSAGES")
    options = parser.parse_args()
    print("milliseconds of one build, p50")
    print(f"{'people':>8} {'messages':>10} {'':<12}" + "".join(f"{name:>10}" for name in COLUMNS), flush=True)
    for size in options.sizes:
        people, messages = (int(number) for number in size.split(":"))
        tell(people, messages, options.rounds)


if __name__ == "__main__":
    main()
