"""Which of two daemons handles a message: the first one; the other, whatever the first has not stored soon."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.ingest.precedence import GRACE, Precedence
from hubs.bus import Message, Receipt
from hubs.models import Database, StoredMessage
from tests.services import wait_for
from tests.unit.backend.ingest.test_pipeline import Parts, message_of, parts

__all__ = ["parts"]


@pytest.fixture
def read(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give a daemon that does not come first, and the ids of the messages that it reads."""
    ids: list[str] = []
    extract = parts.pipeline._extracted

    def note(message: Message) -> Message | None:
        ids.append(message.msg_id)
        return extract(message)

    monkeypatch.setattr(parts.pipeline, "_extracted", note)
    parts.pipeline.precedence.place(False)
    return ids


def by_first(database: Database, batch: Sequence[Message]) -> None:
    """Store messages as the first daemon does."""
    with database.transaction() as session:
        messages.store(session, batch)


def test_a_message_that_the_first_daemon_has_stored_is_not_read_again(
    database: Database, parts: Parts, read: list[str], session: Session
) -> None:
    stored, missed = message_of("m1", agent="member"), message_of("m2", agent="member")
    by_first(database, [stored])
    parts.pipeline.handle([stored, missed])
    assert read == ["m2"]
    assert session.query(StoredMessage).count() == 2
    assert (parts.pipeline.counts["stored"], parts.pipeline.counts["duplicate"]) == (1, 1)
    assert parts.pipeline.handled_at == max(stored.received_at, missed.received_at)


def test_the_daemon_that_comes_first_looks_nothing_up(database: Database, parts: Parts, read: list[str]) -> None:
    parts.pipeline.precedence.place(True)
    stored = message_of("m1", agent="member")
    by_first(database, [stored])
    parts.pipeline.handle([stored])
    assert read == ["m1"]


def test_our_own_messages_change_the_index_of_each_daemon(
    database: Database, parts: Parts, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed: list[str] = []
    monkeypatch.setattr(parts.config_changes, "update_index", lambda message: indexed.append(message.msg_id))
    ours = message_of("m1", "hubs.hub.updated")
    by_first(database, [ours])
    parts.pipeline.handle([ours])
    assert indexed == ["m1"]


def test_a_message_delivered_to_this_daemon_alone_waits_for_no_other(database: Database) -> None:
    precedence, message = Precedence(database), message_of("m1")
    precedence.place(False)
    delivered: list[int] = []
    began = time.monotonic()
    precedence.wait(replace(message, receipt=Receipt(delivered.extend, 1)), threading.Event())
    precedence.wait(lambda: None, threading.Event())
    assert time.monotonic() - began < GRACE
    precedence.wait(message, threading.Event())
    assert time.monotonic() - began >= GRACE


def test_a_database_that_does_not_answer_makes_no_message_known(
    parts: Parts, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Session:
        raise OperationalError("select", {}, Exception("no server"))

    precedence = parts.pipeline.precedence
    monkeypatch.setattr(precedence, "_database", type("Away", (), {"session": staticmethod(fail)}))
    assert precedence.stored([message_of("m1")]) == frozenset()


def test_the_first_daemon_gets_time_and_what_it_leaves_is_handled(
    database: Database, parts: Parts, read: list[str], session: Session
) -> None:
    parts.pipeline.start()
    assert parts.pipeline.ready.wait(60)
    quick, late = message_of("m1", agent="member"), message_of("m2", agent="member")
    parts.pipeline.put(quick)
    parts.pipeline.put(late)
    by_first(database, [quick])
    wait_for(lambda: session.query(StoredMessage).count() == 2, "the message that the first daemon left")
    assert read == ["m2"]


def test_messages_that_wait_for_the_first_daemon_are_handled_at_the_end(
    parts: Parts, read: list[str], session: Session
) -> None:
    parts.pipeline.start()
    assert parts.pipeline.ready.wait(60)
    parts.pipeline.put(message_of("m1", agent="member"))
    assert parts.pipeline.stop() == []
    assert session.query(StoredMessage).count() == 1
