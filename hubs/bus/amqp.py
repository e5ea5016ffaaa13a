"""AMQP 0-9-1: deliveries in the format of fedora-messaging 3.9, and the address of the broker.

The routing key of a message is its topic, and its body is a JSON object; its id, time and the people and packages it is
about are in the properties. Bodies are not validated against their publisher's JSON schema: that would cost ten times
as much as everything else, and reject messages of a publisher that is one version ahead.
"""

import json
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from hubs.bus.envelope import parse
from hubs.bus.message import AMQP, Message, Receipt
from hubs.errors import BadMessage, BadSetting

#: The exchange of fedora-messaging's default configuration.
EXCHANGE = "amq.topic"
_JSON = "application/json"


class Properties(Protocol):
    """The part of pika's ``BasicProperties`` that is used here."""

    content_type: str | None
    content_encoding: str | None
    message_id: str | None
    headers: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Broker:
    """The address of a broker, and the queue that is read from it."""

    url: str
    queue: str
    bindings: tuple[str, ...] = ("#",)
    exchange: str = EXCHANGE
    prefetch: int = 500
    #: Whether queue and exchange are only checked, because the operator of the broker declares them.
    passive: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    #: Arguments for the declaration of the queue, such as ``x-queue-type``.
    queue_arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_mutual_tls(self) -> bool:
        """Whether both sides authenticate themselves with a certificate."""
        return self.url.startswith("amqps://") and bool(self.cert_file)

    @property
    def address(self) -> str:
        """Host, port and virtual host, without the password, for messages to people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context of the connection, or None for a plain one.

        :raises BadSetting: when a file cannot be read.
        """
        if not self.url.startswith("amqps://"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file or None)
        except (OSError, ssl.SSLError) as error:
            raise BadSetting(
                f"The TLS files of the AMQP connection cannot be used ({error}). Check HUBS_AMQP_CA_FILE, "
                "HUBS_AMQP_CERT_FILE and HUBS_AMQP_KEY_FILE, or the section [tls] of the fedora-messaging file."
            ) from None
        return context


def parse_delivery(
    topic: str, properties: Properties, body: bytes, limit: int, receipt: Receipt | None = None
) -> Message:
    """Validate a delivery and return its message.

    ``limit`` is the largest body in bytes.

    :raises BadMessage: with the reason, when it is not JSON, too large, or not a message for another reason.
    """
    if len(body) > limit:
        raise BadMessage(f"larger than {limit} bytes")
    if properties.content_type not in (None, _JSON):
        raise BadMessage(f"not JSON but {properties.content_type!s:.80}")
    try:
        content = json.loads(body.decode(properties.content_encoding or "utf-8"), parse_constant=lambda name: None)
    except (ValueError, LookupError, RecursionError) as error:
        raise BadMessage(f"not JSON ({type(error).__name__})") from None
    envelope = {"topic": topic, "body": content, "id": properties.message_id, "headers": properties.headers or {}}
    return replace(parse(envelope, AMQP), receipt=receipt)


def read_fedora_messaging(path: str) -> Broker:
    """Return the broker that a configuration file of fedora-messaging names.

    Its first queue is read, with the bindings of that queue.

    :raises BadSetting: when the file cannot be read, or names no address or queue.
    """
    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"FEDORA_MESSAGING_CONF names {path}, which cannot be read: {error}.") from None
    url, queues = config.get("amqp_url"), config.get("queues")
    if not isinstance(url, str) or not isinstance(queues, dict) or not queues:
        raise BadSetting(f'{path} must have amqp_url = "amqps://…" and a section [queues.NAME].')
    queue, declared = next(iter(queues.items()))
    bindings = [entry for entry in config.get("bindings", ()) if entry.get("queue", queue) == queue]
    tls = config.get("tls", {})
    return Broker(
        url,
        queue,
        bindings=tuple(key for entry in bindings for key in entry.get("routing_keys", ("#",))),
        exchange=next((entry.get("exchange", EXCHANGE) for entry in bindings), EXCHANGE),
        prefetch=int(config.get("qos", {}).get("prefetch_count", 500)),
        passive=bool(config.get("passive_declares", False)),
        ca_file=tls.get("ca_cert") or "",
        cert_file=tls.get("certfile") or "",
        key_file=tls.get("keyfile") or "",
        queue_arguments=declared.get("arguments", {}),
    )
