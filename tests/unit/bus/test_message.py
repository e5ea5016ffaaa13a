"""Messages are validated once, when they are received."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from hubs.bus import DEPTH, NullPublisher, Publisher, parse
from hubs.errors import BadMessage

GOOD: dict[str, Any] = {
    "topic": "org.fedoraproject.prod.bodhi.update.comment",
    "msg": {"agent": "ottoline"},
    "msg_id": "2026-one",
    "timestamp": 1_700_000_000.5,
}


def nested(depth: int) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for _ in range(depth):
        body = {"a": body}
    return body


def test_a_valid_message_is_parsed() -> None:
    message = parse(GOOD)
    assert message.msg_id == "2026-one"
    assert message.name == "bodhi.update.comment"
    assert message.category == "bodhi"
    assert message.sent_at == datetime.fromtimestamp(1_700_000_000.5, UTC)
    assert message.body == {"agent": "ottoline"}


@pytest.mark.parametrize(
    ("topic", "name", "category"),
    [
        ("io.pagure.prod.pagure.issue.new", "pagure.issue.new", "pagure"),
        ("short", "short", "short"),
        ("a.b.c", "a.b.c", "a"),
        ("org.fedoraproject.dev.hubs.widget.updated", "hubs.widget.updated", "hubs"),
    ],
)
def test_names_are_topics_without_prefix(topic: str, name: str, category: str) -> None:
    message = parse({**GOOD, "topic": topic})
    assert (message.name, message.category) == (name, category)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"topic": None}, "no topic"),
        ({"topic": ""}, "no topic"),
        ({"topic": ["x"]}, "no topic"),
        ({"topic": "x" * 256}, "topic is too long"),
        ({"topic": "a\nb"}, "not printable"),
        ({"msg": None}, "msg is not an object but NoneType"),
        ({"msg": "text"}, "but str"),
        ({"msg": [1]}, "but list"),
        ({"msg": nested(DEPTH + 1)}, "nested deeper"),
        ({"msg_id": {"a": 1}}, "msg_id is not a text"),
        ({"msg_id": "x" * 65}, "msg_id is too long"),
        ({"timestamp": "yesterday"}, "not a moment"),
        ({"timestamp": 1e300}, "not a moment"),
        ({"timestamp": float("nan")}, "not a moment"),
        ({"timestamp": {}}, "neither a number nor a text"),
    ],
)
def test_unusable_messages_are_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadMessage, match=reason):
        parse({**GOOD, **changes})


@pytest.mark.parametrize("envelope", [None, [], "text", 5, True])
def test_envelopes_that_are_not_objects_are_refused(envelope: object) -> None:
    with pytest.raises(BadMessage, match="not an object"):
        parse(envelope)


@pytest.mark.parametrize("timestamp", ["2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20", 1_700_000_000])
def test_all_usual_timestamps_are_read(timestamp: object) -> None:
    assert parse({**GOOD, "timestamp": timestamp}).sent_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("timestamp", [None, True])
def test_a_message_without_time_gets_the_present(timestamp: object) -> None:
    assert abs((parse({**GOOD, "timestamp": timestamp}).sent_at - datetime.now(UTC)).total_seconds()) < 5


def test_a_message_without_id_gets_one_that_its_copies_share() -> None:
    original = {**GOOD, "msg_id": None}
    copy = json.loads(json.dumps(original))
    other = {**original, "msg": {"agent": "pernille"}}
    assert parse(original).msg_id == parse(copy).msg_id != parse(other).msg_id
    assert len(parse(original).msg_id) <= 64


def test_messages_with_many_fields_are_accepted() -> None:
    assert parse({**GOOD, "msg": {str(number): [number] for number in range(5000)}}).body


def test_a_publisher_connects_to_the_relay_before_its_first_message() -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as relay:
        relay.subscribe(b"")
        relay.rcvtimeo = 20_000
        port = relay.bind_to_random_port("tcp://127.0.0.1")
        with relay.get_monitor_socket(zmq.Event.HANDSHAKE_SUCCEEDED) as monitor:
            monitor.rcvtimeo = 20_000
            publisher = Publisher({"relay_inbound": [f"tcp://127.0.0.1:{port}"]})
            publisher.connect()
            assert recv_monitor_message(monitor)["event"] == zmq.Event.HANDSHAKE_SUCCEEDED
            thread = publisher._thread
            publisher.connect()
            publisher.publish("hubs.widget.updated", {"widget_id": 5})
            topic, body = relay.recv_multipart()
            assert (topic, publisher._thread) == (b"org.example.dev.hubs.widget.updated", thread)
            assert json.loads(body)["msg"] == {"widget_id": 5}
            publisher.close()
            relay.disable_monitor()


def test_the_null_publisher_accepts_everything() -> None:
    publisher = NullPublisher()
    publisher.connect()
    publisher.publish("hubs.widget.updated", {})
    publisher.close()
    assert not vars(publisher)
