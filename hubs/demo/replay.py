"""Background processes of the demo: a replay that publishes a message every second or two, and an embedded Redis."""

import logging
import random
import signal
import threading
from datetime import timedelta

from fakeredis import TcpFakeServer
from sqlalchemy import select

from hubs.bus import Publisher
from hubs.demo import messages
from hubs.errors import NotFound
from hubs.models import Database, User, now

log = logging.getLogger(__name__)

#: Most people in replayed messages, and how recently they must have been active: idle demo people stay idle.
PEOPLE, QUIET = 50, timedelta(days=60)


def run(database: Database, pause: float, count: int = 0) -> None:
    """Publish demo messages about the people in the database until stopped, or ``count`` of them.

    :raises NotFound: if there are fewer than two people.
    """
    chance = random.Random()
    with database.session() as session:
        query = select(User.username).where(User.last_active > now() - QUIET).order_by(User.id)
        usernames = list(session.scalars(query.limit(PEOPLE)))
    if len(usernames) < 2:
        raise NotFound("There are no people to write messages about yet. Run: hubs demo fill")
    stopped = _stopped()
    publisher = Publisher()
    sent = 0
    while not stopped.is_set() and (not count or sent < count):
        topic, body = messages.random_message(chance, usernames)
        publisher.publish(topic, body)
        sent += 1
        if sent == 1 or sent % 50 == 0:
            log.info("%d messages sent; the last was %s", sent, topic)
        stopped.wait(chance.uniform(0.5, 1.5) * pause)
    publisher.close()


def serve_redis(port: int) -> None:
    """Serve the Redis protocol on loopback until stopped; data is lost at the end."""
    stopped = _stopped()
    TcpFakeServer.allow_reuse_address = True
    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    threading.Thread(target=server.serve_forever, name="redis", daemon=True).start()
    log.info("embedded Redis on 127.0.0.1:%d", port)
    stopped.wait()
    server.shutdown()


def _stopped() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
