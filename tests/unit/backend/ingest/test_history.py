"""Backfilling from a history service; a local server answers in datagrepper's shape."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hubs.actions import messages, watermarks
from hubs.backend.ingest import history as module
from hubs.backend.ingest.history import OVERLAP, HistoryBackfill, NotCommitted
from hubs.bus import Message, acknowledge, parse
from hubs.models import Database, Watermark, now
from tests.services import wait_for


class History(ThreadingHTTPServer):
    """Answers with pages of messages, as https://apps.fedoraproject.org/datagrepper/reference/raw describes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[Any] = []
        self.queries: list[dict[str, list[str]]] = []
        self.broken = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/raw"


class Handler(BaseHTTPRequestHandler):
    server: History

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.queries.append(query)
        page = int(query["page"][0]) - 1
        rows = self.server.messages[page * 2 : page * 2 + 2]
        answer = {"count": len(rows), "pages": -(-len(self.server.messages) // 2), "raw_messages": rows}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.broken or json.dumps(answer).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def history() -> Iterator[History]:
    server = History()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def raw(number: int, when: datetime | None = None) -> dict[str, Any]:
    moment = when or now() - timedelta(hours=1)
    return {"topic": "a.b.dev.wiki.article.edit", "msg": {}, "msg_id": f"h{number}", "timestamp": moment.timestamp()}


class Pipeline:
    """Takes messages and commits them at once, or leaves them uncommitted."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.commits = True
        self.full = 0

    def put(self, message: Message) -> bool:
        if self.full:
            self.full -= 1
            return False
        self.messages.append(message)
        if self.commits:
            acknowledge([message])
        return True

    @property
    def ids(self) -> list[str]:
        return [message.msg_id for message in self.messages]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def backfill(history: History, database: Database, pipeline: Pipeline) -> HistoryBackfill:
    return HistoryBackfill(database, history.url, pipeline.put, lambda message: message.msg_id == "h2")


def mark(database: Database) -> Watermark:
    with database.session() as session:
        return watermarks.ensure(session)


def store(database: Database, number: int, when: datetime) -> None:
    with database.transaction() as session:
        messages.store(session, [parse(raw(number, when))])


def test_all_pages_since_the_watermark_are_handed_on_and_move_it(
    history: History, database: Database, backfill: HistoryBackfill, pipeline: Pipeline
) -> None:
    newest = now() - timedelta(hours=2)
    store(database, 0, newest)
    backfill.prepare()
    history.messages = [raw(1), raw(2), "odd", raw(3), {"topic": 5}]
    before = now()
    assert backfill.read() == 3
    assert [(message.msg_id, message.authenticated) for message in pipeline.messages] == [
        ("h1", False),
        ("h2", True),
        ("h3", False),
    ]
    assert [query["page"] for query in history.queries] == [["1"], ["2"], ["3"]]
    assert float(history.queries[0]["start"][0]) == pytest.approx((newest - OVERLAP).timestamp(), abs=1)
    assert mark(database).complete_until >= before


def test_without_stored_messages_nothing_was_missed_before_now(
    history: History, database: Database, backfill: HistoryBackfill
) -> None:
    before = now()
    backfill.prepare()
    backfill.read()
    assert float(history.queries[0]["start"][0]) == pytest.approx((before - OVERLAP).timestamp(), abs=2)


def test_a_live_message_does_not_hide_what_was_missed_before_it(
    history: History, database: Database, backfill: HistoryBackfill
) -> None:
    newest = now() - timedelta(hours=2)
    store(database, 0, newest)
    backfill.prepare()
    store(database, 1, now())
    backfill.read()
    assert float(history.queries[0]["start"][0]) == pytest.approx((newest - OVERLAP).timestamp(), abs=1)


def test_a_message_from_the_future_does_not_move_the_watermark_there(
    history: History, database: Database, backfill: HistoryBackfill
) -> None:
    history.messages = [raw(number, now() + timedelta(days=7)) for number in range(3)]
    backfill.read()
    assert mark(database).complete_until <= now()


@pytest.mark.parametrize(
    "answer",
    [b"<html>sign in</html>", b"[]", b"{}", b'{"pages": "x", "raw_messages": []}', b'{"pages": 1, "raw_messages": 7}'],
)
def test_an_unusable_answer_leaves_the_watermark_where_it_is(
    history: History, database: Database, backfill: HistoryBackfill, answer: bytes
) -> None:
    backfill.prepare()
    before = mark(database).complete_until
    history.broken = answer
    with pytest.raises((ValueError, KeyError)):
        backfill.read()
    assert mark(database).complete_until == before
    history.broken = b""
    backfill.read()
    assert mark(database).complete_until > before


def test_the_watermark_waits_for_the_commit(
    history: History, database: Database, backfill: HistoryBackfill, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMIT", 0.1)
    backfill.prepare()
    before = mark(database).complete_until
    history.messages, pipeline.commits = [raw(1)], False
    with pytest.raises(NotCommitted):
        backfill.read()
    assert mark(database).complete_until == before
    pipeline.commits = True
    assert backfill.read() == 1
    assert mark(database).complete_until > before


def test_a_full_pipeline_is_waited_for(
    history: History, backfill: HistoryBackfill, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FULL", 0.01)
    history.messages, pipeline.full = [raw(1)], 2
    assert backfill.read() == 1
    assert pipeline.ids == ["h1"]


def test_only_one_daemon_reads_at_a_time(history: History, database: Database, backfill: HistoryBackfill) -> None:
    backfill.prepare()
    with database.transaction() as session:
        assert watermarks.acquire(session)
    assert backfill.read() is None
    assert history.queries == []
    with database.transaction() as session:
        watermarks.release(session)
    backfill.read()
    assert history.queries


def test_possible_losses_are_recorded_until_the_history_was_read(
    history: History, database: Database, backfill: HistoryBackfill
) -> None:
    since = now() - timedelta(minutes=3)
    backfill.request("shed in a flood", since)
    backfill.request("stalled for 20 s", now())
    assert (mark(database).missing_since, mark(database).reason) == (since, "shed in a flood")
    backfill.read()
    assert (mark(database).missing_since, mark(database).reason) == (None, "")


def test_without_a_history_service_possible_losses_stay_recorded(database: Database, pipeline: Pipeline) -> None:
    backfill = HistoryBackfill(database, "", pipeline.put, lambda message: True)
    backfill.start()
    backfill.request("shed in a flood")
    assert mark(database).missing_since is not None
    backfill.stop()


def test_it_reads_periodically_and_soon_after_a_request(
    history: History, database: Database, pipeline: Pipeline
) -> None:
    backfill = HistoryBackfill(database, history.url, pipeline.put, lambda message: True, interval=60)
    backfill.prepare()
    backfill.start()
    wait_for(lambda: len(history.queries) == 1, "the first reading")
    backfill.request("shed in a flood")
    wait_for(lambda: len(history.queries) == 2, "the second reading")
    backfill.stop()


def test_after_a_gap_it_reads_twice_for_senders_reconnect_later(
    history: History, database: Database, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST", 0.05)
    monkeypatch.setattr(module, "AFTER_GAP", 0.2)
    backfill = HistoryBackfill(database, history.url, pipeline.put, lambda message: True, interval=3600)
    backfill.prepare()
    backfill.start()
    wait_for(lambda: len(history.queries) == 2, "two readings at the start")
    history.messages = [raw(1)]
    backfill.request("no connection to the relay")
    wait_for(lambda: len(history.queries) == 3, "the reading")
    history.messages.append(raw(2))
    wait_for(lambda: "h2" in pipeline.ids, "the second reading")
    backfill.stop()


def test_the_lease_of_a_killed_daemon_is_tried_again_soon(
    history: History, database: Database, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY", 0.1)
    backfill = HistoryBackfill(database, history.url, pipeline.put, lambda message: True, interval=3600)
    backfill.prepare()
    with database.transaction() as session:
        assert watermarks.acquire(session)  # by a daemon that is killed now
    backfill.start()
    time.sleep(0.5)
    assert history.queries == []
    with database.transaction() as session:
        watermarks.release(session)  # as if the lease had expired
    wait_for(lambda: history.queries, "the reading")
    backfill.stop()


def test_many_pages_take_several_readings(
    history: History,
    database: Database,
    backfill: HistoryBackfill,
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGES", 2)
    with database.transaction() as session:
        watermarks.ensure(session).complete_until = now() - timedelta(hours=3)
    times = [now() - timedelta(minutes=100 - number) for number in range(6)]
    history.messages = [raw(number, when) for number, when in enumerate(times)]
    backfill.read()
    assert pipeline.ids == ["h0", "h1", "h2", "h3"]
    assert mark(database).complete_until == pytest.approx(times[3], abs=timedelta(seconds=1))
