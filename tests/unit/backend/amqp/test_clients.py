"""What the broker's messages are trusted with."""

from pathlib import Path
from typing import Any

import pytest

from hubs.backend.amqp import clients
from hubs.backend.amqp.ingress import AmqpIngress
from hubs.bus import AMQP, Message, Receipt, parse
from hubs.bus.amqp import Broker
from hubs.models import Database
from hubs.settings import load

OURS = "org.fedoraproject.dev.hubs.hub.updated"


class Pipeline:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def put(self, item: Any) -> bool:
        self.items.append(item)
        return True


def handed_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, message: Message, broker: Broker, **values: str
) -> Any:
    pipeline = Pipeline()
    monkeypatch.setattr(Broker, "tls", lambda self: None)
    monkeypatch.setattr(clients, "broker_of", lambda settings: broker)
    settings = load({"HUBS_PRESET": "fedora", "HUBS_DATA_DIR": str(tmp_path), **values})
    ingress = clients.create_clients(settings, database, pipeline, lambda: None)[0]  # type: ignore[arg-type]
    assert isinstance(ingress, AmqpIngress)
    ingress._put(message)
    return pipeline.items[0]


@pytest.mark.parametrize(
    ("url", "certificate", "setting", "trusted"),
    [
        ("amqps://broker/", "client.crt", "1", True),
        ("amqps://broker/", "client.crt", "0", False),
        ("amqp://broker/", "client.crt", "1", False),
        ("amqps://broker/", "", "1", False),
    ],
)
def test_group_messages_are_authentic_over_mutual_tls_with_a_setting(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    url: str,
    certificate: str,
    setting: str,
    trusted: bool,
) -> None:
    message = parse({"topic": "org.fedoraproject.dev.fas.group.member.sponsor", "body": {}, "id": "m"}, AMQP)
    values = {
        "HUBS_AMQP_URL": "amqps://broker/",
        "HUBS_AMQP_CERT_FILE": "client.crt",
        "HUBS_AMQP_TRUST_GROUPS": setting,
    }
    broker = Broker(url, "q", cert_file=certificate)
    assert handed_on(database, monkeypatch, tmp_path, message, broker, **values).authenticated is trusted


def test_our_own_changes_are_only_acknowledged_if_fedmsg_delivers_them_too(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tags: list[int] = []
    receipt = Receipt(tags.extend, 7)
    message = parse({"topic": OURS, "body": {"hub_id": 1}, "id": "m"}, AMQP)
    object.__setattr__(message, "receipt", receipt)
    broker = Broker("amqp://broker/", "q")
    assert isinstance(handed_on(database, monkeypatch, tmp_path, message, broker, HUBS_PUBLISH="0"), Message)
    handed_on(database, monkeypatch, tmp_path, message, broker, HUBS_PUBLISH="1")()
    assert tags == [7]


def test_trusting_the_broker_needs_a_certificate() -> None:
    with pytest.raises(Exception, match="amqp_cert_file"):
        load({"HUBS_AMQP_URL": "amqp://broker/", "HUBS_AMQP_TRUST_GROUPS": "1"})


def test_a_refused_message_is_acknowledged_even_if_it_cannot_be_recorded(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipeline, done = Pipeline(), list[int]()
    monkeypatch.setattr(clients, "broker_of", lambda settings: Broker("amqp://broker/", "q"))
    settings = load({"HUBS_DATA_DIR": str(tmp_path), "HUBS_AMQP_URL": "amqp://broker/"})
    ingress = clients.create_clients(settings, database, pipeline, lambda: None)[0]  # type: ignore[arg-type]
    assert isinstance(ingress, AmqpIngress)
    assert ingress._refuse("a.b.c.d", "m", "not JSON", b"x", lambda: done.append(1))
    monkeypatch.setattr(clients.refused, "record", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pipeline.items[0]()
    assert done == [1]
    monkeypatch.setattr(pipeline, "put", lambda item: False)
    assert not ingress._refuse("a.b.c.d", "m", "not JSON", b"x", lambda: None)
