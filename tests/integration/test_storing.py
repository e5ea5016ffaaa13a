"""A batch in one statement: both databases hold the same, and daemons that store at once do not lock each other out."""

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hubs.actions import activity, messages
from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.bus import Message, parse
from hubs.models import Database, Hub, MessagePackage, MessagePerson, StoredMessage, User, Visibility, now
from hubs.widgets.registry import Registry
from tests.fresh import prepare

#: In the past: the time of a message from the future is replaced.
WHEN = (now() - timedelta(seconds=1)).replace(microsecond=123456)
NAMES = [f"person{number}" for number in range(20)]


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    registry = Registry()
    with database.transaction() as session:
        users = [roles.sign_up(session, registry, name) for name in NAMES]
        hub_actions.create(session, registry, users[0], "team", "otters", {})
    yield database
    database.dispose()


def message(number: int, /, **body: Any) -> Message:
    envelope = {"topic": "a.b.dev.wiki.edit", "msg": body, "msg_id": f"m{number:04d}", "timestamp": WHEN.timestamp()}
    parsed = replace(
        parse(envelope), sentence=f"100 % of {number}\0 \ud800 'quoted' \\ {{}}", link="https://x.example/"
    )
    chance = random.Random(number)
    packages = frozenset(chance.sample(("bear", 'o"dd', "b{a},c"), chance.randint(0, 3)))
    return replace(parsed, users=frozenset(chance.sample(NAMES, chance.randint(0, 4))), packages=packages)


ODD = [
    message(1, text="a\0b \ud800 ü", list=[1, {"deep": None}], number=1.5),
    message(2, percent="100 % %s %(x)s", quote="it's", back="\\"),
    message(3),
]


def content(database: Database, ids: list[str]) -> list[Any]:
    with database.session() as session:
        rows = session.query(StoredMessage).filter(StoredMessage.msg_id.in_(ids)).order_by(StoredMessage.msg_id).all()
        return [
            (
                *(
                    getattr(row, name)
                    for name in ("msg_id", "topic", "category", "sent_at", "sentence", "link", "icon")
                ),
                json.dumps(row.body, sort_keys=True),
                sorted((person.username, person.sent_at, person.category) for person in row.people),
                sorted((entry.package, entry.sent_at) for entry in row.packages),
            )
            for row in rows
        ]


def test_both_databases_hold_the_same(database: Database, tmp_path: Path) -> None:
    embedded = Database(f"sqlite:///{tmp_path / 'hubs.db'}")
    prepare(embedded)
    for each in (database, embedded):
        with each.transaction() as session:
            assert messages.store(session, [ODD[2], *ODD]) == [ODD[2], *ODD[:2]]
            assert messages.store(session, ODD) == []
    ids = [message.msg_id for message in ODD]
    rows = content(database, ids)
    assert rows == content(embedded, ids)
    assert [row[3] for row in rows] == [WHEN] * 3
    embedded.dispose()


def test_last_activity_never_moves_back(database: Database) -> None:
    moment = now()
    for when, expected in (
        (moment, moment),
        (moment - timedelta(days=2), moment),
        (moment + timedelta(seconds=5), moment),
    ):
        with database.transaction() as session:
            activity.note(session, {NAMES[0]: when, "nobody": when})
        with database.session() as session:
            assert session.query(User).filter_by(username=NAMES[0]).one().last_active == expected
            hubs = session.query(Hub).filter(Hub.last_activity.is_not(None))
            assert {(hub.name, hub.last_activity) for hub in hubs} == {(NAMES[0], expected), ("otters", expected)}


@pytest.mark.parametrize(
    ("shown_to", "own_hub_shows", "team_shows"),
    [("public", True, True), ("signed-in", False, True), ("members", False, True), ("owners", False, False)],
)
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_activity_that_a_person_hides_moves_no_hub(
    database: Database, tmp_path: Path, kind: str, shown_to: str, own_hub_shows: bool, team_shows: bool
) -> None:
    if kind == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'hubs.db'}")
        prepare(database)
    name, registry, moment = f"shy-{shown_to}", Registry(), now()
    with database.transaction() as session:
        person = roles.sign_up(session, registry, name)
        person.activity = Visibility(shown_to)
        hub_actions.create(session, registry, person, "team", f"team-of-{name}", {})
    with database.transaction() as session:
        activity.note(session, {name: moment})
    with database.session() as session:
        assert session.query(User).filter_by(username=name).one().last_active == moment
        own, team = (session.query(Hub).filter_by(name=hub).one() for hub in (name, f"team-of-{name}"))
        assert (own.last_activity == moment, team.last_activity == moment) == (own_hub_shows, team_shows)
        assert {own.last_activity, team.last_activity} <= {None, moment}
    if kind == "sqlite":
        database.dispose()


def test_daemons_that_store_at_once_share_the_messages_and_never_wait_for_each_other(database: Database) -> None:
    heard = [message(number, number=number) for number in range(1000, 3000)]
    got: list[list[Message]] = [[], [], []]
    failed: list[BaseException] = []
    together = threading.Barrier(len(got))

    def daemon(number: int) -> None:
        chance = random.Random(number)
        try:
            for start in range(0, len(heard), 100):
                batch = heard[start : start + 100]
                chance.shuffle(batch)
                together.wait(20)
                with database.transaction() as session:
                    got[number] += messages.store(session, batch)
                    later = WHEN + timedelta(minutes=2 + start)
                    activity.note(session, dict.fromkeys(chance.sample(NAMES, len(NAMES)), later))
        except BaseException as error:
            failed.append(error)
            together.abort()

    threads = [threading.Thread(target=daemon, args=(number,)) for number in range(len(got))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert sorted(message.msg_id for each in got for message in each) == [message.msg_id for message in heard]
    with database.session() as session:
        assert session.query(MessagePerson).filter(MessagePerson.sent_at == WHEN).count() >= sum(
            len(message.users) for message in heard
        )
        assert session.query(MessagePackage).count() >= sum(len(message.packages) for message in heard)
