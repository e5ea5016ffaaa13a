"""Publishes demo messages to an AMQP broker, in the form of fedora-messaging."""

import json
import logging
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pika
from pika.exceptions import AMQPError

from hubs.backend.amqp.connection import connect, reason
from hubs.bus.amqp import Broker

log = logging.getLogger(__name__)


class AmqpPublisher:
    """Publishes to the exchange of ``broker``; connects when the first message is sent, and again after an error."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self._broker, self._prefix = broker, prefix
        self._connection: pika.BlockingConnection | None = None
        self._channel: Any = None

    def connect(self) -> None:
        """Connect, unless there is a connection."""
        if self._connection is None:
            self._connection = connect(self._broker)
            self._channel = self._connection.channel()

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        """Publish one message; it is lost, with a line in the log, while the broker is unavailable."""
        try:
            self.connect()
            self._channel.basic_publish(
                self._broker.exchange, f"{self._prefix}.{topic}", json.dumps(body), self._properties(body)
            )
        except (AMQPError, OSError) as error:
            log.warning("%s cannot be reached yet: %s", self._broker.address, reason(error))
            self._connection = None

    def close(self, timeout: float = 0) -> None:
        """Close the connection, which the broker may have closed before."""
        if self._connection is not None and self._connection.is_open:
            with suppress(AMQPError, OSError):
                self._connection.close()

    @staticmethod
    def _properties(body: dict[str, Any]) -> pika.BasicProperties:
        agent = body.get("agent")
        return pika.BasicProperties(
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            message_id=str(uuid.uuid4()),
            headers={
                "fedora_messaging_schema": "base.message",
                "fedora_messaging_severity": 20,
                "sent-at": datetime.now(UTC).replace(microsecond=0).isoformat(),
                **({f"fedora_messaging_user_{agent}": True} if isinstance(agent, str) else {}),
            },
        )
