"""Catching up from a history service; a local server answers in datagrepper's shape."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.orm import Session

from hubs.actions import messages
from hubs.backend.ingest.history import HistoryBackfill
from hubs.bus import Message, parse
from hubs.models import Database, now


class History(ThreadingHTTPServer):
    """Answers with pages of messages, as https://apps.fedoraproject.org/datagrepper/reference/raw describes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages: list[Any] = []
        self.asked: list[dict[str, list[str]]] = []
        self.broken = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/raw"


class Handler(BaseHTTPRequestHandler):
    server: History

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(query)
        page = int(query["page"][0]) - 1
        found = self.server.messages[page * 2 : page * 2 + 2]
        answer = {"count": len(found), "pages": -(-len(self.server.messages) // 2), "raw_messages": found}
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


def raw(number: int) -> dict[str, Any]:
    return {"topic": "a.b.dev.wiki.article.edit", "msg": {}, "msg_id": f"h{number}", "timestamp": 1_700_000_000}


def believed(message: Message) -> bool:
    return message.msg_id == "h2"


def test_all_pages_since_the_newest_stored_message_are_handed_on(
    history: History, database: Database, session: Session
) -> None:
    newest = now() - timedelta(hours=2)
    messages.store(session, [parse({**raw(0), "timestamp": newest.timestamp()})])
    session.commit()
    history.messages = [raw(1), raw(2), "odd", raw(3), {"topic": 5}]
    got: list[Message] = []
    catchup = HistoryBackfill(database, history.url, lambda message: got.append(message) is None, believed)
    assert catchup.fetch() == 3
    assert [(message.msg_id, message.vouched) for message in got] == [("h1", False), ("h2", True), ("h3", False)]
    assert [query["page"] for query in history.asked] == [["1"], ["2"], ["3"]]
    assert float(history.asked[0]["start"][0]) == pytest.approx(newest.timestamp() - 120, abs=1)


def test_where_nothing_is_stored_nothing_was_missed(history: History, database: Database) -> None:
    assert HistoryBackfill(database, history.url, lambda message: True, believed).fetch() == 0
    assert history.asked == []


@pytest.mark.parametrize("answer", [b"<html>sign in</html>", b"[]", b"{}", b'{"pages": "x", "raw_messages": []}'])
def test_an_answer_that_is_none_is_an_error_that_is_tried_again(
    history: History, database: Database, session: Session, answer: bytes
) -> None:
    messages.store(session, [parse(raw(0))])
    session.commit()
    history.broken = answer
    with pytest.raises((ValueError, KeyError)):
        HistoryBackfill(database, history.url, lambda message: True, believed).fetch()


def test_a_flood_waits_until_there_is_room(history: History, database: Database, session: Session) -> None:
    messages.store(session, [parse(raw(0))])
    session.commit()
    history.messages = [raw(1)]
    answers = [False, True]
    assert HistoryBackfill(database, history.url, lambda message: answers.pop(0), believed).fetch() == 1
    assert answers == []
