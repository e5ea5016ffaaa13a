"""Sentences of messages by their publisher's class, where no reader understands them."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from hubs.backend.ingest import message_classes
from hubs.backend.ingest.extract import Extractor
from hubs.bus import AMQP, Message, parse


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from tests.unit.backend.ingest import harbour  # noqa: PLC0415 -- takes a second, which only these tests need

    classes = {
        "harbour.docked": EntryPoint("harbour.docked", f"{harbour.__name__}:Docked", message_classes.GROUP),
        "harbour.broken": EntryPoint("harbour.broken", "no_such_package:Class", message_classes.GROUP),
    }
    monkeypatch.setattr(message_classes, "_entry_points", lambda: classes)
    # The library knows installed classes only, by the same entry points.
    monkeypatch.setitem(harbour.library._class_to_schema_name, harbour.Docked, "harbour.docked")
    message_classes._class.cache_clear()
    yield
    message_classes._class.cache_clear()


def extract(schema: str, name: str = "harbour.ship.docked", **body: object) -> Message:
    envelope = {
        "topic": f"org.fedoraproject.prod.{name}",
        "id": "8f0e4e4c-52f0-4a5b-9f6c-0a1b2c3d4e5f",
        "headers": {"fedora_messaging_schema": schema},
        "body": body,
    }
    return Extractor()(parse(envelope, AMQP))


def test_the_class_of_a_message_writes_its_sentence_and_link() -> None:
    message = extract("harbour.docked", captain="rana", pier="pier 7")
    assert (message.sentence, message.link) == ("rana docked at pier 7", "https://harbour.example/log")


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("", {"captain": "rana", "pier": "7"}),
        ("base.message", {"captain": "rana", "pier": "7"}),
        ("harbour.unknown", {"captain": "rana", "pier": "7"}),
        ("harbour.broken", {"captain": "rana", "pier": "7"}),
        ("harbour.docked", {"captain": "rana"}),
        ("harbour.docked", {"captain": None, "pier": "7"}),
    ],
)
def test_without_a_usable_class_the_generic_sentence_stays(schema: str, body: dict[str, object]) -> None:
    assert extract(schema, **body).sentence == "harbour: ship docked"


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    assert extract("harbour.docked", captain="rana", pier="7", url="javascript:alert(1)").link == ""


def test_a_reader_has_precedence_over_the_class() -> None:
    message = extract("harbour.docked", "wiki.article.edit", captain="x", pier="y", user="rana", title="Docs")
    assert message.activity is not None
    assert "docked" not in message.sentence
