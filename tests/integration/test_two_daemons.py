"""Several daemons on one bus and one database: each message is handled once, and one that dies takes nothing along."""

import contextlib
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.backend.heartbeat import TURN
from hubs.models import Database, Hub, MessagePerson, OutboxMessage, StoredMessage
from hubs.permissions import person
from tests.services import BIN, Service, wait_for
from tests.stack import ROOT, Bus, Stack

NAMES = [f"pair{number}" for number in range(10)]
#: Seconds between two looks for changed hubs.
SWEEP = 1
#: What a daemon logs once it handles messages.
READY = "hubs.backend.consumer: ready"
TOPIC = "org.fedoraproject.dev.wiki.article.edit"


@pytest.fixture(scope="module")
def database(production: Stack) -> Iterator[Database]:
    """Give one database for all polls: one per poll left up to 25 connections open beside those of the daemons."""
    database = production.database()
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def hubs(production: Stack, database: Database, bus: Bus) -> list[Hub]:
    """Give the hubs of some people, known to both daemons."""
    with database.transaction() as session:
        users = [roles.sign_up(session, production.registry, name) for name in NAMES]
        hubs = list(session.scalars(select(Hub).where(Hub.user_id.in_([user.id for user in users]))))
        _ = [hub.widgets for hub in hubs]
    return hubs


@pytest.fixture(scope="module")
def daemon(production: Stack, hubs: list[Hub], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a second daemon on the same relay, database and cache."""
    argv = [str(BIN / "fedmsg-hub"), "--with-consumers", "hubs.backend.consumer:FedoraHubsConsumer"]
    env = {**production.env, "HUBS_SWEEP_INTERVAL": str(SWEEP)}
    service = Service(argv, tmp_path_factory.mktemp("second"), "second", env, cwd=ROOT)
    yield service
    service.stop()


@pytest.fixture
def second(daemon: Service, production: Stack, database: Database, bus: Bus) -> Service:
    """Give the second daemon once messages reach it; start it again if the previous test ended it."""
    if daemon.process.poll() is not None:
        daemon.path.write_text("")
        daemon.restart()
    daemon.ready(lambda: READY in daemon.log())
    with alone(production.services["hub"]):
        _until_heard(database, bus)
    with alone(daemon):  # and the first has woken up
        _until_heard(database, bus)
    return daemon


@contextlib.contextmanager
def alone(other: Service) -> Iterator[None]:
    """Stop one daemon, so that everything done meanwhile was done by the other."""
    other.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        other.process.send_signal(signal.SIGCONT)


def _until_heard(database: Database, bus: Bus) -> None:
    def heard() -> bool:
        nonce = bus.send(TOPIC, {"user": "nobody"})
        time.sleep(0.1)
        with database.session() as session:
            return session.query(StoredMessage).filter_by(msg_id=nonce).count() == 1

    wait_for(heard, "a message to reach the daemon")


def stored(database: Database, ids: list[str]) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).where(StoredMessage.msg_id.in_(ids))) or 0


def _wait_until_stored(database: Database, ids: list[str], daemon: Service) -> None:
    """Wait until the only daemon has stored messages; else say how many are missing, and what it logged."""
    try:
        wait_for(lambda: stored(database, ids) == len(ids), "all messages to be stored")
    except AssertionError as error:
        error.add_note(f"{len(ids) - stored(database, ids)} are missing. Its log ends with\n{daemon.log()[-3000:]}")
        raise


def figures(service: Service) -> dict[str, int]:
    """Return what a daemon counted, from the line that it leaves at its end."""
    lines = [line for line in service.log().splitlines() if " so far " in line]
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", lines[-1])} if lines else {}


def test_two_daemons_handle_each_message_once(
    production: Stack, database: Database, hubs: list[Hub], second: Service, bus: Bus
) -> None:
    ids = []
    for number in range(500):
        ids.append(bus.send(TOPIC, {"user": NAMES[number % 10], "title": f"t{number}"}))
        time.sleep(0.004)
    wait_for(lambda: stored(database, ids) == 500, "all messages to be stored")
    with database.session() as session:
        mine = StoredMessage.msg_id.in_(ids)
        assert session.scalar(select(func.count()).where(mine)) == 500
        people_of = select(func.count(MessagePerson.username)).join(StoredMessage).where(mine)
        assert session.scalar(people_of) == 500
    time.sleep(1)  # what the first has stored the second may still have before it, and drops when it stops
    assert second.stop() == 0
    log, first = second.log(), production.services["hub"].log()
    assert figures(second)["stored"] + figures(second)["duplicate"] >= 500  # it heard them all
    assert figures(second)["duplicate"] > 0  # and left to the other what the other had
    assert "Traceback" not in log + first
    assert "the database does not" not in log + first  # no daemon waited for the other until one was sent away


@contextlib.contextmanager
def killed(service: Service) -> Iterator[None]:
    """Kill a daemon; start it again afterwards."""
    service.kill()
    try:
        yield
    finally:
        before = service.log().count(READY)
        service.restart()
        service.ready(lambda: service.log().count(READY) > before)


@pytest.mark.parametrize("victim", ["second", "hub"])
def test_a_daemon_that_is_killed_takes_nothing_along_that_the_other_heard(
    production: Stack, database: Database, second: Service, bus: Bus, victim: str
) -> None:
    time.sleep(TURN)  # both know which of them comes first
    ids = [bus.send(TOPIC, {"user": NAMES[number % 10], "title": f"k{number}"}) for number in range(1500)]
    with killed({"second": second, "hub": production.services["hub"]}[victim]):
        ids += [bus.send(TOPIC, {"user": NAMES[number % 10], "title": f"l{number}"}) for number in range(1500)]
        _wait_until_stored(database, ids, {"second": production.services["hub"], "hub": second}[victim])
    with database.session() as session:
        loose = (
            select(func.count())
            .where(StoredMessage.msg_id.in_(ids))
            .where(~select(MessagePerson).where(MessagePerson.message_id == StoredMessage.id).exists())
        )
        assert session.scalar(loose) == 0


def add(production: Stack, hub: Hub, username: str) -> tuple[int, dict[str, Any]]:
    """Add a feed about somebody; return its id, and what the web app would tell the bus."""
    database = production.database()
    with database.transaction() as session:
        mine = session.get_one(Hub, hub.id)
        assert mine.user is not None
        who = person(mine.user.id, mine.user.username, mine.user.roles)
        row = widgets.add(session, production.registry, who, mine, "feed", "left", {"username": username})
        session.flush()
        told = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
        number, body = row.id, dict(told.body)
    database.dispose()
    return number, body


def shows(production: Stack, bus: Bus, number: int, username: str, title: str) -> None:
    """Wait until a message about somebody is on a widget; only a daemon with the widget in its index builds it."""
    assert title not in production.get(f"/w/{number}/fragment")

    def shown() -> bool:
        bus.send("io.pagure.prod.pagure.issue.new", {"agent": username, "issue": {"title": title, "id": 1}})
        time.sleep(0.5)
        return title in production.get(f"/w/{number}/fragment")

    wait_for(shown, f"{title!r} on the widget", 20)


def test_a_widget_is_in_every_index_soon_after_its_message(
    production: Stack, hubs: list[Hub], second: Service, bus: Bus
) -> None:
    number, body = add(production, hubs[0], "faraway")
    bus.send("org.fedoraproject.dev.hubs.widget.created", body)
    time.sleep(1)
    with alone(production.services["hub"]):
        shows(production, bus, number, "faraway", "Heard by the second")
        production.wait_until_built(number)  # what is stopped while it builds would keep the other from it
    with alone(second):
        shows(production, bus, number, "faraway", "Heard by the first")


def test_a_widget_whose_message_was_lost_is_in_the_index_within_the_sweep_interval(
    production: Stack, hubs: list[Hub], second: Service, bus: Bus
) -> None:
    number, _ = add(production, hubs[1], "farther")
    time.sleep(SWEEP + 2)  # the timers look at the clock every two seconds
    # From the outbox, about now: what is stopped while it builds would keep the other from it.
    production.wait_until_built(number)
    with alone(production.services["hub"]):
        shows(production, bus, number, "farther", "Found by the sweep")


def test_a_hangup_rebuilds_the_index_while_messages_are_handled(
    database: Database, hubs: list[Hub], second: Service, bus: Bus
) -> None:
    before = second.log().count("hubs are in the index")
    second.process.send_signal(signal.SIGHUP)
    ids = [bus.send(TOPIC, {"user": NAMES[0]}) for _ in range(100)]
    wait_for(lambda: stored(database, ids) == 100, "all messages to be stored")
    wait_for(lambda: second.log().count("hubs are in the index") > before, "the new index")
    assert second.process.poll() is None
