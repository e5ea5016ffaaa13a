"""Malformed messages are counted and dropped with one log line per cause; other messages are not affected."""

import json
import re
import time

from sqlalchemy import func, select

from hubs.models import StoredMessage
from tests.services import wait_for
from tests.stack import Bus, Stack

TOPIC = b"org.fedoraproject.dev.hostile.thing"


def _envelope(**changes: object) -> bytes:
    envelope = {"topic": TOPIC.decode(), "msg": {"user": "nobody"}, "msg_id": "2026-hostile", "timestamp": 1, **changes}
    return json.dumps(envelope).encode()


HOSTILE = {
    "a list": b"[1, 2]",
    "a text": b'"hello"',
    "null": b"null",
    "a number": b"17",
    "not JSON": b"{oops",
    "empty": b"",
    "topic of the wrong type": _envelope(topic=["a"]),
    "empty topic": _envelope(topic=""),
    "long topic": _envelope(topic="x" * 5000),
    "msg is a text": _envelope(msg="boo"),
    "msg is a list": _envelope(msg=[1]),
    "msg is null": _envelope(msg=None),
    "msg_id is an object": _envelope(msg_id={"a": 1}),
    "msg_id is long": _envelope(msg_id="y" * 500),
    "timestamp is an object": _envelope(timestamp={}),
    "timestamp is far away": _envelope(timestamp=1e300),
    "timestamp is a word": _envelope(timestamp="yesterday"),
    "five megabytes": _envelope(msg={"blob": "z" * 5_000_000}),
    "deep lists": b'{"topic": "a.b.c.d", "msg": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "deep objects": _envelope()[:-1] + b', "x": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}",
}
#: Odd, but no reason to drop them.
ODD = {
    "NaN in a field": b'{"topic": "org.fedoraproject.dev.odd.a", "msg": {"n": NaN}, "msg_id": "2026-odd-1"}',
    "NUL in texts": _envelope(msg={"user": "nu\0l", "title": "a\0b"}, msg_id="2026-odd-2"),
    "lone surrogates": _envelope(msg={"user": "x", "title": "\ud800"}, msg_id="2026-odd-3"),
    "fields of wrong types": _envelope(msg={"user": [1, {"a": None}], "agent": 5, "project": "x"}, msg_id="2026-odd-4"),
    "long name": _envelope(msg={"user": "u" * 5000}, msg_id="2026-odd-5"),
    "meta with wrong shapes": _envelope(
        topic="org.fedoraproject.prod.bodhi.update.comment", msg={"comment": 3, "update": None}, msg_id="2026-odd-6"
    ),
}


def test_hostile_messages_are_dropped_with_one_line_per_cause_and_the_rest_goes_on(production: Stack, bus: Bus) -> None:
    hub = production.services["hub"]
    before = len(hub.log().splitlines())

    def dropped() -> list[str]:
        return [line for line in hub.log().splitlines()[before:] if "dropped a message" in line]

    for payload in HOSTILE.values():
        bus.raw(TOPIC, payload)
        time.sleep(0.25)  # at most five lines a second are written
    bus.raw(TOPIC, b"\xff\xfe\xfa")  # the relay refuses what is not UTF-8
    bus.raw(TOPIC)  # and what is no pair of frames
    last = bus.send("org.fedoraproject.dev.hostile.end", {"user": "nobody"})
    database = production.database()

    def stored(msg_id: str) -> int:
        with database.session() as session:
            return session.scalar(select(func.count()).where(StoredMessage.msg_id == msg_id)) or 0

    wait_for(lambda: stored(last), "the message after the hostile ones")
    lines = hub.log().splitlines()[before:]
    reasons = re.findall(r": ([^:]+) \(\d+ dropped so far\)", "\n".join(dropped()))
    assert len(reasons) == len(dropped()) == len(set(reasons)) >= 4, "\n".join(line[:200] for line in lines)
    # All are counted, whether they have a line or not. A message on another topic is another cause, and has one.
    bus.raw(TOPIC + b".other", HOSTILE["not JSON"])
    wait_for(lambda: len(dropped()) > len(reasons), "the line about another topic")
    counts = [int(re.findall(r"\((\d+) dropped so far\)", line)[0]) for line in dropped()]
    assert counts[-1] - counts[0] == len(HOSTILE)
    assert not [line for line in lines if "Traceback" in line]
    assert stored("2026-hostile") == 0


def test_odd_messages_are_kept_without_harm(production: Stack, bus: Bus) -> None:
    for payload in ODD.values():
        bus.raw(TOPIC, payload)
    last = bus.send("org.fedoraproject.dev.odd.end", {"user": "nobody"})
    database = production.database()

    def kept() -> int:
        with database.session() as session:
            query = select(func.count()).where(StoredMessage.msg_id.like("2026-odd-%"))
            return session.scalar(query) or 0

    def ended() -> int:
        with database.session() as session:
            return session.scalar(select(func.count()).where(StoredMessage.msg_id == last)) or 0

    wait_for(ended, "the message after the odd ones")
    assert kept() == len(ODD)
    assert "Traceback" not in production.services["hub"].log()
