"""AMQP in and out against a real RabbitMQ: nothing lost and nothing twice, whatever is killed."""

import contextlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from hubs.actions import hubs as hub_actions
from hubs.actions.people import roles
from hubs.backend.eventserver.pulse import Pulse
from hubs.events import heartbeat
from hubs.events.log import EventLog
from hubs.models import Database, OutboxMessage, RefusedMessage, StoredMessage, migrations
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.chaos.history import History
from tests.rabbitmq import Publisher, frozen_broker, port_of, rabbitmq, restart, stopped_broker
from tests.services import BIN, HOST, Service, listens, postgresql, wait_for
from tests.stack import ROOT, environment, own_stack

TOPIC = "org.fedoraproject.dev.tests.amqp"
DAEMON = (str(BIN / "hubs"), "daemon")
#: Acknowledges a second after the commit.
LATE = (str(BIN / "python"), "-W", "ignore", "-m", "tests.probes.late_acknowledgement")


@dataclass
class Setup:
    """A daemon without fedmsg, its broker and its database."""

    daemon: Service
    broker: Service
    url: str
    database: Database
    env: dict[str, str]

    def stored(self, marker: str) -> int:
        """Return how many messages of one test are stored."""
        with self.database.session() as session:
            query = select(func.count(StoredMessage.id)).where(StoredMessage.topic == f"{TOPIC}.{marker}")
            return session.scalar(query) or 0

    def waiting(self) -> int:
        """Return how many messages the broker still has for the daemon, delivered or not."""
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(self.url))) as connection:
            return int(connection.channel().queue_declare("hubs", passive=True).method.message_count)


@contextlib.contextmanager
def running(
    folder: Path, database_url: str, memcached: int, redis_port: int, program: Sequence[str] = DAEMON
) -> Iterator[Setup]:
    """Run a daemon that reads from a broker of its own."""
    with rabbitmq() as (broker, url):
        more = {"HUBS_AMQP_URL": url, "HUBS_PUBLISH": "0", "HUBS_AMQP_PUBLISH": "1"}
        addresses = database_url, f"memcached://{HOST}:{memcached}", f"redis://{HOST}:{redis_port}/7"
        env, _ = environment(folder, *addresses, more)
        database = Database(database_url, info={"site_url": env["HUBS_SITE_URL"]})
        migrations.upgrade(database)
        daemon = Service([*program], folder, "daemon", env, cwd=ROOT)
        try:
            daemon.ready(lambda: "reading hubs at" in daemon.log())
            yield Setup(daemon, broker, url, database, env)
        finally:
            daemon.stop()
            database.dispose()


@pytest.fixture(scope="module")
def setup(
    database_url: str, memcached: int, redis_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Setup]:
    """Give a running daemon that reads from a broker of its own."""
    with running(tmp_path_factory.mktemp("amqp"), database_url, memcached, redis_port) as setup:
        yield setup


def test_a_message_over_amqp_is_stored_once(setup: Setup) -> None:
    publisher = Publisher(setup.url)
    msg_id = publisher.send(f"{TOPIC}.once", {"agent": "amira"})
    publisher.send(f"{TOPIC}.once", {"agent": "amira"}, msg_id)
    publisher.send(f"{TOPIC}.once", {"agent": "amira"})
    publisher.close()
    wait_for(lambda: setup.stored("once") == 2, "two messages to be stored")
    wait_for(lambda: setup.waiting() == 0, "all three to be acknowledged")
    with setup.database.session() as session:
        row = session.scalars(select(StoredMessage).where(StoredMessage.msg_id == msg_id)).one()
        assert row.body == {"agent": "amira"}


@pytest.mark.parametrize(
    ("body", "properties", "reason"),
    [
        (b"\xff\xfe", {"content_type": "application/json"}, "not JSON"),
        (b"[1, 2]", {"content_type": "application/json"}, "msg is not an object"),
        (b"{}", {"content_type": "text/plain"}, "not JSON but text/plain"),
        (b"{" + b'"a":{' * 200 + b"}" * 201, {"content_type": "application/json"}, "nested deeper"),
        (b'"' + b"x" * 1_000_001 + b'"', {"content_type": "application/json"}, "larger than"),
    ],
    ids=["bytes", "list", "text", "deep", "large"],
)
def test_a_message_that_cannot_be_used_is_kept_with_the_reason_and_acknowledged(
    setup: Setup, body: bytes, properties: dict[str, Any], reason: str
) -> None:
    publisher, msg_id = Publisher(setup.url), str(uuid.uuid4())
    publisher.raw(f"{TOPIC}.refused", body, message_id=msg_id, **properties)
    publisher.close()

    def refused() -> RefusedMessage | None:
        with setup.database.session() as session:
            return session.scalars(select(RefusedMessage).where(RefusedMessage.msg_id == msg_id)).one_or_none()

    row = wait_for(refused, "the refused message to be recorded")
    assert isinstance(row, RefusedMessage)
    assert reason in row.reason
    assert row.origin == "amqp"
    assert len(row.body) <= 10_000
    wait_for(lambda: setup.waiting() == 0, "it to be acknowledged")


class Flood(threading.Thread):
    """Publishes ``count`` messages at ``rate`` a second; reconnects where the broker is restarted."""

    def __init__(self, url: str, marker: str, count: int, rate: float) -> None:
        super().__init__(daemon=True)
        self._url, self._marker, self._count, self._rate = url, marker, count, rate
        self.sent = 0
        self.start()

    def run(self) -> None:
        publisher: Publisher | None = None
        msg_id = str(uuid.uuid4())
        while self.sent < self._count:
            try:
                publisher = publisher or Publisher(self._url)
                publisher.send(f"{TOPIC}.{self._marker}", {"agent": f"p{self.sent % 50}"}, msg_id)
            except (pika.exceptions.AMQPError, OSError):
                # Sent again with the same id: it may have arrived. pika leaves sockets open that could not connect.
                publisher = None
                wait_for(lambda: listens(port_of(self._url)), "the broker to come back")
                continue
            self.sent, msg_id = self.sent + 1, str(uuid.uuid4())
            time.sleep(1 / self._rate)
        assert publisher is not None
        publisher.close()


def _settles(setup: Setup, marker: str, count: int) -> None:
    wait_for(lambda: setup.stored(marker) >= count, f"all {count} messages to be stored", 120)
    wait_for(lambda: setup.waiting() == 0, "all to be acknowledged", 60)
    assert setup.stored(marker) == count


def _kill_often(setup: Setup, times: int, count: int, marker: str) -> None:
    flood = Flood(setup.url, marker, count, 300)
    for number in range(times):
        before = setup.stored(marker)
        wait_for(lambda before=before: setup.stored(marker) > before or not flood.is_alive(), "messages to be stored")
        time.sleep((number % 5) * 0.02)
        setup.daemon.kill()
        setup.daemon.restart()
    flood.join(120)
    assert flood.sent == count
    _settles(setup, marker, count)


def test_a_daemon_that_is_killed_loses_and_doubles_nothing(setup: Setup) -> None:
    _kill_often(setup, 1, 400, "killed")


@pytest.mark.slow
def test_a_daemon_that_is_killed_twenty_times_loses_and_doubles_nothing(setup: Setup) -> None:
    _kill_often(setup, 20, 12_000, "often-killed")


@pytest.mark.slow
def test_a_daemon_that_is_killed_between_commit_and_acknowledgement_doubles_nothing(
    tmp_path: Path, database_url: str, memcached: int, redis_port: int
) -> None:
    with running(tmp_path, database_url, memcached, redis_port, LATE) as setup:
        sent, publisher = 0, Publisher(setup.url)
        for _ in range(5):
            for _ in range(20):
                publisher.send(f"{TOPIC}.between", {"agent": "amira"})
            sent += 20
            wait_for(lambda sent=sent: setup.stored("between") > sent - 20, "a commit")
            setup.daemon.kill()
            # What is stored and still in the queue was committed, and not acknowledged.
            assert setup.stored("between") + setup.waiting() > sent
            setup.daemon.restart()
        publisher.close()
        _settles(setup, "between", sent)


@pytest.mark.slow
def test_one_message_over_fedmsg_and_amqp_and_from_history_is_one_row(tmp_path: Path, database_url: str) -> None:
    topic, uuids, history = f"{TOPIC}.thrice", [str(uuid.uuid4()) for _ in range(5)], History()
    with contextlib.closing(history), rabbitmq() as (_, url):
        for msg_id in uuids:
            message = {"topic": topic, "msg": {"agent": "amira"}, "msg_id": f"2026-{msg_id}", "timestamp": time.time()}
            history.messages.append(message)
        more = {"HUBS_AMQP_URL": url, "HUBS_HISTORY_URL": history.url, "HUBS_HISTORY_INTERVAL": "1"}
        with own_stack(tmp_path, database_url, more) as stack:
            hub, bus, publisher = stack.services["hub"], stack.bus(), Publisher(url)
            for msg_id in uuids:
                bus.send(topic, {"agent": "amira"}, msg_id=f"2026-{msg_id}")
                publisher.send(topic, {"agent": "amira"}, msg_id)
            publisher.close()
            last = bus.send(f"{TOPIC}.last", {"agent": "amira"})
            database = stack.database()
            with database.session() as session:

                def stored(msg_id: str) -> int:
                    session.rollback()
                    query = select(func.count(StoredMessage.id)).where(StoredMessage.msg_id == msg_id)
                    return session.scalar(query) or 0

                wait_for(lambda: stored(last), "the last message to be stored")
                wait_for(lambda: re.search(r"[1-9]\d* messages came from the history", hub.log()), "the history")
                assert [stored(msg_id) for msg_id in uuids] == [1] * 5
                rows = session.scalars(select(StoredMessage.msg_id).where(StoredMessage.topic == topic))
                assert sorted(rows) == sorted(uuids)
            database.dispose()
            bus.close()


@pytest.mark.slow
def test_a_broker_that_is_killed_loses_nothing_it_confirmed(setup: Setup) -> None:
    flood = Flood(setup.url, "broker", 900, 300)
    wait_for(lambda: setup.stored("broker") > 100, "messages to be stored")
    restart(setup.broker, setup.url)
    flood.join(120)
    assert flood.sent == 900
    _settles(setup, "broker", 900)


@pytest.mark.slow
def test_a_database_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, memcached: int, redis_port: int) -> None:
    with postgresql() as (server, port):
        url = f"postgresql+psycopg2://postgres@{HOST}:{port}/postgres"
        with running(tmp_path, url, memcached, redis_port) as setup:
            flood = Flood(setup.url, "database", 1500, 300)
            for _ in range(3):
                before = setup.stored("database")
                wait_for(lambda before=before: setup.stored("database") > before, "messages to be stored")
                server.kill()
                server.restart()
                setup.database.dispose()
                wait_for(lambda: _answers(setup), "the database to recover")
            flood.join(120)
            assert flood.sent == 1500
            _settles(setup, "database", 1500)


def _answers(setup: Setup) -> bool:
    try:
        return setup.stored("database") > 0
    except OperationalError:
        return False


Outage = Callable[[Service, str], contextlib.AbstractContextManager[None]]


def _shows_an_outage(setup: Setup, outage: Outage, seconds: float) -> tuple[float, float]:
    """Have an ``outage`` last ``seconds``; return after how many updates count as late, and as on time again."""
    pulse = Pulse()
    log = EventLog(setup.env["HUBS_REDIS_URL"])
    with contextlib.closing(log.client.pubsub()) as subscription:
        subscription.subscribe(heartbeat.CHANNEL)

        def waits_until(is_late: bool) -> bool:
            delivery = subscription.get_message(ignore_subscribe_messages=True, timeout=0.1)
            if delivery is not None:
                pulse.note(heartbeat.decode(delivery["data"]))
            return pulse.is_late is is_late

        wait_for(lambda: waits_until(False), "a heartbeat")
        stopped = time.monotonic()
        with outage(setup.broker, setup.url):
            wait_for(lambda: waits_until(True), "updates to be late", 30)
            late = time.monotonic() - stopped
            while time.monotonic() - stopped < seconds:
                waits_until(True)
                assert pulse.is_late
        back = time.monotonic()
        wait_for(lambda: waits_until(False), "updates to be on time", 30)
    log.client.close()
    return late, time.monotonic() - back


@pytest.mark.parametrize(
    ("outage", "seconds"),
    [
        pytest.param(stopped_broker, 15, marks=pytest.mark.slow),
        pytest.param(stopped_broker, 600, marks=pytest.mark.slow),
        pytest.param(frozen_broker, 60, marks=pytest.mark.slow),
    ],
)
def test_pages_learn_within_seconds_that_the_broker_is_missing_and_that_it_is_back(
    setup: Setup, outage: Outage, seconds: int, tell: Callable[[str], None]
) -> None:
    late, back = _shows_an_outage(setup, outage, seconds)
    tell(f"{outage.__name__} for {seconds} s: late after {late:.1f} s, on time {back:.1f} s after its return")
    assert late <= 30
    assert back <= 5
    publisher = Publisher(setup.url)
    publisher.send(f"{TOPIC}.after-{outage.__name__}{seconds}", {"agent": "amira"})
    publisher.close()
    wait_for(lambda: setup.stored(f"after-{outage.__name__}{seconds}") == 1, "messages to be stored again")


def test_our_own_changes_are_published_with_confirmation(setup: Setup) -> None:
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(setup.url))) as connection:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "amq.topic", "org.fedoraproject.dev.hubs.#")
        registry = Registry([], load(setup.env).key())
        with setup.database.transaction() as session:
            user = roles.sign_up(session, registry, "amira")
            hub_actions.create(session, registry, user, "team", "otters")

        def confirmed() -> bool:
            with setup.database.session() as session:
                rows = session.scalars(select(OutboxMessage)).all()
                return len(rows) > 1 and all(row.confirmed_at for row in rows)

        wait_for(confirmed, "the outbox to be confirmed")
        heard = {}
        while (delivery := channel.basic_get(queue, auto_ack=True))[0] is not None:
            heard[delivery[0].routing_key] = (delivery[1], json.loads(delivery[2]))
    properties, body = heard["org.fedoraproject.dev.hubs.hub.created"]
    assert body["hub_name"] == "otters"
    assert properties.headers["fedora_messaging_user_amira"] is True
    assert uuid.UUID(properties.message_id)
