"""Messages are stored once, with the people that they name; the outbox publishes after the commit."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hubs.actions import activity, messages, outbox
from hubs.actions.storage import retention
from hubs.bus import Message, parse
from hubs.models import Database, Hub, MessagePackage, MessagePerson, OutboxMessage, StoredMessage, now
from tests.unit.conftest import user_of

WHEN = datetime(2026, 5, 1, 10, tzinfo=UTC)


def message(msg_id: str, *users: str, **more: Any) -> Message:
    envelope = {"topic": "a.b.dev.wiki.article.edit", "msg": {}, "msg_id": msg_id, "timestamp": WHEN.timestamp()}
    return replace(parse(envelope), users=frozenset(users), **more)


def test_only_new_messages_are_stored_and_returned(session: Session) -> None:
    first, second, third = (message(f"m{n}", "ottoline") for n in range(3))
    assert messages.store(session, [first, second, first]) == [first, second]
    assert messages.store(session, [second, third]) == [third]
    assert messages.store(session, []) == []
    assert session.query(StoredMessage).count() == 3
    assert session.query(MessagePerson).count() == 3


def test_people_and_packages_are_stored_with_time_and_category(session: Session) -> None:
    messages.store(session, [message("m", "ottoline", "pernille", packages=frozenset({"tidepool"}))])
    people = {row.username: row for row in session.query(MessagePerson)}
    assert set(people) == {"ottoline", "pernille"}
    assert (people["ottoline"].category, people["ottoline"].sent_at) == ("wiki", WHEN)
    assert [row.package for row in session.query(MessagePackage)] == ["tidepool"]


def test_characters_that_a_database_cannot_store_are_replaced(session: Session) -> None:
    odd = message("m", sentence="a\0b \ud800" + "x" * 2000, link="javascript:alert(1)", icon="https://x/" + "y" * 2000)
    messages.store(session, [odd])
    row = session.query(StoredMessage).one()
    assert row.sentence.startswith("a\ufffdb \ufffdx")
    assert len(row.sentence) <= 1000
    assert (row.link, row.icon) == ("", "")


def test_names_that_cannot_be_stored_are_left_out() -> None:
    assert messages.names(["good", "", "x" * 65, "new\nline"], 64) == {"good"}


def test_last_activity_never_moves_back(session: Session, team: Hub) -> None:
    moment = now() - timedelta(hours=1)
    activity.note(session, {"member": moment, "nobody": moment})
    session.expire_all()
    assert user_of(session, "member").last_active == moment
    assert team.last_activity == moment
    activity.note(session, {"member": moment - timedelta(days=3)})
    session.expire_all()
    assert team.last_activity == moment
    assert session.query(Hub).filter_by(kind="user", name="member").one().last_activity == moment
    assert session.query(Hub).filter_by(kind="user", name="stranger").one().last_activity is None


def test_old_messages_are_removed_with_their_dependent_rows(session: Session) -> None:
    messages.store(
        session, [replace(message("old", "a"), received_at=WHEN), replace(message("new", "a"), received_at=now())]
    )
    retention.purge(session, 1)
    assert [row.msg_id for row in session.query(StoredMessage)] == ["new"]
    assert session.query(MessagePerson).count() == 1


def test_old_messages_are_removed_in_batches(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "REMOVED", 3)
    stored = [replace(message(f"m{n}", "a"), received_at=now() - timedelta(days=90 - n)) for n in range(7)]
    messages.store(session, [*stored, replace(message("new", "a"), received_at=now())])
    assert retention.purge(session, 1)
    assert [row.msg_id for row in session.query(StoredMessage).order_by("received_at")] == [
        "m3",
        "m4",
        "m5",
        "m6",
        "new",
    ]
    assert retention.purge(session, 1)
    assert not retention.purge(session, 1)
    assert [row.msg_id for row in session.query(StoredMessage)] == ["new"]


class Heard:
    def __init__(self) -> None:
        self.topics: list[str] = []

    def publish(self, topic: str, body: dict[str, Any]) -> None:
        self.topics.append(topic)


def test_messages_are_published_only_after_the_commit(database: Database) -> None:
    heard = Heard()
    outbox.publish_after_commit(database, heard)
    with database.transaction() as session:
        outbox.record(session, "hubs.user.created", {"username": "a"})
        assert heard.topics == []
    assert heard.topics == ["hubs.user.created"]
    with database.session() as session:
        outbox.record(session, "hubs.user.created", {"username": "b"})
        session.rollback()
        session.commit()
        assert session.query(OutboxMessage).count() == 1
    assert heard.topics == ["hubs.user.created"]


def test_outbox_rows_are_unhandled_until_they_are_marked(session: Session) -> None:
    body = {"username": "a", "list": [1, 2]}
    outbox.record(session, "hubs.user.created", body)
    session.commit()
    later = now() + timedelta(seconds=1)
    assert [row.body for row in outbox.unhandled(session, later)] == [body]
    assert outbox.unhandled(session, now() - timedelta(minutes=1)) == []
    outbox.mark_handled(session, "hubs.user.created", {"list": [1, 2], "username": "a"})
    assert outbox.unhandled(session, later) == []
    outbox.purge(session)
    assert session.query(OutboxMessage).count() == 1


def test_messages_are_ordered_by_when_they_were_received(session: Session) -> None:
    topic = "org.fedoraproject.dev.wiki.article.edit"
    sent = {"future": 4_070_908_800, "past": 0, "now": time.time()}
    stored = [parse({"topic": topic, "msg": {}, "msg_id": name, "timestamp": moment}) for name, moment in sent.items()]
    messages.store(session, stored)
    rows = session.query(StoredMessage).order_by("received_at").all()
    assert [row.msg_id for row in rows] == ["future", "past", "now"]
    assert all(row.sent_at <= row.received_at <= now() for row in rows)
    assert retention.purge(session, 400) is False
    assert session.query(StoredMessage).count() == 3
