"""Connections to the AMQP broker: parameters, declarations, and the wait between attempts."""

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pika

from hubs.bus.amqp import Broker, read_fedora_messaging
from hubs.settings import Settings

#: First and longest wait in seconds before reconnecting; it doubles each time, with full jitter. The longest one is
#: short, since pages say that updates are delayed until the connection is back; an attempt costs next to nothing.
FIRST_RETRY, LAST_RETRY = 0.5, 3.0
#: Seconds of silence after which the broker counts as dead, and longest time for connecting.
HEARTBEAT, CONNECT = 6, 10.0


def broker_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Broker | None:
    """Return the broker of the settings, else the one in the file that ``FEDORA_MESSAGING_CONF`` names, or None.

    :raises BadSetting: when that file cannot be used.
    """
    url = settings.amqp_url.get_secret_value()
    if not url:
        path = environ.get("FEDORA_MESSAGING_CONF", "")
        return read_fedora_messaging(path) if path else None
    return Broker(
        url,
        settings.amqp_queue,
        bindings=tuple(settings.amqp_bindings),
        prefetch=settings.amqp_prefetch,
        passive=settings.amqp_passive,
        ca_file=settings.amqp_ca_file,
        cert_file=settings.amqp_cert_file,
        key_file=settings.amqp_key_file,
    )


def connect(broker: Broker) -> pika.BlockingConnection:
    """Connect, for at most `CONNECT` seconds.

    :raises pika.exceptions.AMQPError: when the broker refuses or does not answer.
    """
    parameters = pika.URLParameters(broker.url)
    parameters.heartbeat = parameters.blocked_connection_timeout = HEARTBEAT
    parameters.socket_timeout = parameters.stack_timeout = CONNECT
    parameters.connection_attempts = 1
    parameters.client_properties = {"app": "hubs", "product": "Fedora Hubs"}
    context = broker.tls()
    if context is not None:
        parameters.ssl_options = pika.SSLOptions(context, parameters.host)
    if broker.cert_file:
        parameters.credentials = pika.credentials.ExternalCredentials()
    return pika.BlockingConnection(parameters)


def declare(channel: Any, broker: Broker) -> None:
    """Declare the durable queue and its bindings, so that the broker keeps messages while nothing reads them."""
    channel.queue_declare(
        broker.queue, passive=broker.passive, durable=True, auto_delete=False, arguments=dict(broker.queue_arguments)
    )
    if not broker.passive:
        for key in broker.bindings:
            channel.queue_bind(broker.queue, broker.exchange, key)
    channel.basic_qos(prefetch_count=broker.prefetch)


def backoff() -> Iterator[float]:
    """Yield the seconds to wait before each further attempt, with full jitter."""
    bound = FIRST_RETRY
    while True:
        yield random.uniform(0.0, bound)
        bound = min(bound * 2, LAST_RETRY)


def reason(error: Exception) -> str:
    """Return an error in one line; pika's errors often have no text of their own."""
    cause = error.args[0] if error.args else error
    return f"{type(error).__name__}: {cause}" if str(cause) else type(error).__name__
