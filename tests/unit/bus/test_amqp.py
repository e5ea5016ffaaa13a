"""Deliveries of AMQP, made by fedora-messaging's own classes, and the configuration of the broker."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hubs.bus.amqp import Broker, parse_delivery, read_fedora_messaging
from hubs.errors import BadMessage, BadSetting

CONFIG = """
amqp_url = "amqps://hubs@broker.example.org/%2Fpubsub"
[tls]
ca_cert = "ca.pem"
certfile = "client.crt"
keyfile = "client.key"
[queues.hubs-1]
durable = true
arguments = {"x-queue-type" = "quorum"}
[[bindings]]
queue = "hubs-1"
exchange = "amq.topic"
routing_keys = ["org.fedoraproject.#", "io.pagure.#"]
[[bindings]]
queue = "other"
exchange = "amq.topic"
routing_keys = ["#"]
[qos]
prefetch_count = 25
"""


def delivery(body: dict[str, Any], **headers: Any) -> tuple[Any, bytes]:
    # Importing it takes a second, for a grammar of addresses, which other tests need not wait for.
    from fedora_messaging.message import Message as FedoraMessage  # noqa: PLC0415

    message = FedoraMessage(body=body, topic="org.fedoraproject.prod.tests", headers=headers)
    return message._properties, message._encoded_body


def test_a_message_of_fedora_messaging_is_parsed() -> None:
    properties, body = delivery({"agent": "amira"}, fedora_messaging_user_amira=True)
    message = parse_delivery("org.fedoraproject.prod.tests.done", properties, body, 1000)
    assert (message.origin, message.topic, message.name) == ("amqp", "org.fedoraproject.prod.tests.done", "tests.done")
    assert message.msg_id == properties.message_id
    assert message.sent_at.isoformat() == properties.headers["sent-at"]
    assert message.users == {"amira"}
    assert message.body == {"agent": "amira"}


@pytest.mark.parametrize(
    ("change", "body", "reason"),
    [
        ({}, b"x" * 1001, "larger than 1000 bytes"),
        ({}, b"\xff", "not JSON"),
        ({}, b"[" * 900, "not JSON"),
        ({}, b"7", "not an object"),
        ({"content_type": "text/plain"}, b"{}", "not JSON but text/plain"),
        ({"content_encoding": "gzip"}, b"{}", "not JSON"),
        ({"message_id": "x" * 65}, b"{}", "msg_id"),
        ({"headers": {"sent-at": "yesterday"}}, b"{}", "timestamp"),
    ],
)
def test_invalid_deliveries_are_refused_with_the_reason(change: dict[str, Any], body: bytes, reason: str) -> None:
    fields = {"content_type": "application/json", "content_encoding": "utf-8", "message_id": "m", "headers": {}}
    with pytest.raises(BadMessage, match=reason):
        parse_delivery("a.b.c.d", SimpleNamespace(**fields | change), body, 1000)


def test_missing_properties_are_accepted() -> None:
    nothing = SimpleNamespace(content_type=None, content_encoding=None, message_id=None, headers=None)
    message = parse_delivery("a.b.c.d", nothing, b'{"n": NaN}', 1000)
    assert message.body == {"n": None}
    assert message.msg_id.startswith("none-")


def test_a_fedora_messaging_file_configures_the_broker(tmp_path: Path) -> None:
    path = tmp_path / "hubs.toml"
    path.write_text(CONFIG)
    broker = read_fedora_messaging(str(path))
    assert broker == Broker(
        "amqps://hubs@broker.example.org/%2Fpubsub",
        "hubs-1",
        bindings=("org.fedoraproject.#", "io.pagure.#"),
        prefetch=25,
        ca_file="ca.pem",
        cert_file="client.crt",
        key_file="client.key",
        queue_arguments={"x-queue-type": "quorum"},
    )
    assert broker.is_mutual_tls
    with pytest.raises(BadSetting, match="HUBS_AMQP_CA_FILE"):
        broker.tls()


@pytest.mark.parametrize("text", ["amqp_url = 7", "not toml", 'amqp_url = "amqp://x"\n[queues]\n'])
def test_a_file_without_a_broker_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hubs.toml"
    path.write_text(text)
    with pytest.raises(BadSetting, match=r"hubs\.toml"):
        read_fedora_messaging(str(path))


def test_the_address_omits_the_password() -> None:
    assert Broker("amqps://hubs:secret@host:5671/%2Fx", "q").address == "amqps://host:5671/%2Fx"
