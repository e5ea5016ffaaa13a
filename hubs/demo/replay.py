"""The replay of the demo, which publishes a message every second or two."""

import logging
import random
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec

from sqlalchemy import select

from hubs.actions.outbox import Publishes
from hubs.demo import messages
from hubs.demo.signals import stopped_event
from hubs.errors import BadSetting, NotFound
from hubs.models import Database, User, now
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Most people in replayed messages, and how recently they must have been active: idle demo people stay idle.
PEOPLE, QUIET = 50, timedelta(days=60)


def run(
    database: Database, publisher: Publishes, pause: float, count: int = 0, families: Sequence[str] = ("fedora",)
) -> None:
    """Publish demo messages about the people in the database until stopped, or ``count`` of them.

    :raises NotFound: if there are fewer than two people.
    """
    chance = random.Random()
    with database.session() as session:
        query = select(User.username).where(User.last_active > now() - QUIET).order_by(User.id)
        usernames = list(session.scalars(query.limit(PEOPLE)))
    if len(usernames) < 2:
        raise NotFound("There are no people to write messages about yet. Run: hubs demo fill")
    stopped = stopped_event()
    sent = 0
    while not stopped.is_set() and (not count or sent < count):
        topic, body = messages.random_message(chance, usernames, families)
        publisher.publish(topic, body)
        sent += 1
        if sent == 1 or sent % 50 == 0:
            log.info("%d messages sent; the last was %s", sent, topic)
        stopped.wait(chance.uniform(0.5, 1.5) * pause)
    publisher.close()


def create_publisher(settings: Settings) -> Publishes:
    """Return a publisher to the broker of the settings.

    :raises BadSetting: if there is no broker, or pika is not installed; it is an extra.
    """
    if find_spec("pika") is None:
        raise BadSetting('--bus amqp needs pika: pip install "fedora-hubs[amqp]".')
    from hubs.backend.amqp.connection import broker_of  # noqa: PLC0415 - an optional extra
    from hubs.demo.amqp import AmqpPublisher  # noqa: PLC0415

    broker = broker_of(settings)
    if broker is None:
        raise BadSetting("--bus amqp needs HUBS_AMQP_URL.")
    return AmqpPublisher(broker, f"{settings.topic_prefix}.{settings.environment}")
