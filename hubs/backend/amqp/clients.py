"""Assembles the AMQP clients from the settings: one reads, one publishes."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from hubs.actions import refused
from hubs.backend.amqp.connection import broker_of
from hubs.backend.amqp.ingress import AmqpIngress
from hubs.backend.amqp.publisher import AmqpPublisher
from hubs.backend.ingest.pipeline import Pipeline
from hubs.bus import MODULE, Message
from hubs.models import Database
from hubs.settings import Settings


def create_clients(
    settings: Settings, database: Database, pipeline: Pipeline, on_connected: Callable[[], None]
) -> list[AmqpIngress | AmqpPublisher]:
    """Return the clients of the broker, not started yet; ``on_connected`` is called at each connection of the reader.

    :raises BadSetting: when the fedora-messaging file or the TLS files cannot be used.
    """
    broker = broker_of(settings)
    if broker is None:
        return []
    broker.tls()  # an unreadable file must fail at start, not at each connection
    # pika logs each broken connection in eight lines; ours is one.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    prefix = f"{settings.topic_prefix}.{settings.environment}"

    def refuse(topic: str, msg_id: str, reason: str, body: bytes, done: Callable[[], None]) -> bool:
        def keep() -> None:
            try:
                with database.transaction() as session:
                    refused.record(session, "amqp", topic, msg_id, reason, body)
            finally:
                done()  # a delivery that is never acknowledged would block the receipts of all later ones

        return pipeline.put(keep)

    def put(message: Message) -> bool:
        # Our own changes return over both buses; with fedmsg, only its copy is handled.
        if settings.publish and message.topic.startswith(f"{prefix}.{MODULE}."):
            return pipeline.put(partial(acknowledge_only, message))
        # The broker authenticates publishers, and mutual TLS authenticates the broker.
        trusted = settings.amqp_trust_groups and broker.is_mutual_tls
        return pipeline.put(replace(message, authenticated=trusted))

    ingress = AmqpIngress(broker, put, refuse, settings.message_limit, on_connected)
    clients: list[AmqpIngress | AmqpPublisher] = [ingress]
    if settings.amqp_publish:
        clients.append(AmqpPublisher(broker, database, prefix, settings.site_url))
    return clients


def acknowledge_only(message: Message) -> None:
    """Acknowledge a message that is not stored."""
    if message.receipt is not None:
        message.receipt.acknowledge([message.receipt.tag])
