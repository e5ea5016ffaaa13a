"""Publishes our own changes to the AMQP broker: an outbox row is done once the broker has confirmed it.

Rows are read from the database, not passed on by the web app, so a change that was committed while the broker, the
daemon or both were down is published later. After a crash between confirmation and commit, a message is sent again with
the same id.
"""

import json
import logging
import threading
import uuid
from collections import Counter
from datetime import UTC, timedelta
from typing import Any

import pika
from pika.exceptions import AMQPError
from sqlalchemy.exc import SQLAlchemyError

from hubs.actions import outbox
from hubs.backend.amqp.connection import backoff, connect, reason
from hubs.bus.amqp import Broker
from hubs.models import Database, OutboxMessage, now

log = logging.getLogger(__name__)

#: Seconds between two queries of the outbox, and most rows per query.
POLL, BATCH = 0.3, 100
#: A change older than this is no longer published.
OLDEST = timedelta(days=1)
#: Namespace of message ids, which are derived from rows, so that a row that is sent twice is recognised.
_IDS = uuid.UUID("6f6c3f9e-6f0c-4d0e-9d1f-1f6a3f6f2b1c")
_INFO = 20


class AmqpPublisher:
    """Publishes outbox rows to ``broker`` under ``prefix`` (``org.fedoraproject.prod``) from `start` until `stop`."""

    label = "amqp"
    #: No messages arrive here from a broker that could be missing.
    cut_off = 0.0

    def __init__(self, broker: Broker, database: Database, prefix: str, site_url: str) -> None:
        self._broker, self._database, self._prefix, self._site = broker, database, prefix, site_url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="amqp-publisher", daemon=True)
        #: Events since the start: published.
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start the thread. It connects, and retries while the broker is unavailable."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Finish the current batch and end the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        waits = backoff()
        while not self._stopping.is_set():
            try:
                self._publish()
                waits = backoff()
            except (AMQPError, OSError, SQLAlchemyError) as error:
                log.warning("our changes cannot be published at %s yet: %s", self._broker.address, reason(error))
            except Exception:  # the thread must survive any error of a library, or nothing is published any more
                log.exception("publishing at %s failed", self._broker.address)
            self._stopping.wait(next(waits))

    def _publish(self) -> None:
        """Publish unconfirmed rows of the outbox until `stop` is called."""
        connection = connect(self._broker)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            while not self._stopping.is_set():
                with self._database.transaction() as session:
                    rows = outbox.unconfirmed(session, now() - OLDEST, BATCH)
                    for row in rows:
                        self._send(channel, row)
                    outbox.mark_confirmed(session, rows)
                self.counts["published"] += len(rows)
                if not rows:
                    connection.sleep(POLL)
        finally:
            if connection.is_open:
                connection.close()

    def _send(self, channel: Any, row: OutboxMessage) -> None:
        """Publish one row; return once the broker has confirmed it."""
        people = {str(row.body[name]) for name in ("agent", "username") if row.body.get(name)}
        headers: dict[str, Any] = {
            "fedora_messaging_schema": f"{row.topic}.v1",
            "fedora_messaging_schema_package": "hubs_messages",
            "fedora_messaging_severity": _INFO,
            "sent-at": row.created_on.astimezone(UTC).replace(microsecond=0).isoformat(),
            **{f"fedora_messaging_user_{name}": True for name in sorted(people)},
        }
        properties = pika.BasicProperties(
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            message_id=str(uuid.uuid5(_IDS, f"{self._site} {row.id} {row.digest}")),
            headers=headers,
        )
        channel.basic_publish(self._broker.exchange, f"{self._prefix}.{row.topic}", json.dumps(row.body), properties)
