"""The id of a request: from nginx or of our own, in the answer, in log lines and in the messages that it causes."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import Client

from hubs import logs
from hubs.actions import outbox
from hubs.models import AuditEntry, OutboxMessage
from hubs.views.web.request_ids import RequestIds


def _app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [logs.request_id().encode()]


def test_the_id_of_nginx_is_used_and_returned() -> None:
    answer = Client(RequestIds(_app)).get("/", headers={"X-Request-ID": "0123456789abcdef"})
    assert answer.text == answer.headers["X-Request-ID"] == "0123456789abcdef"
    assert logs.request_id() == ""


@pytest.mark.parametrize("forged", [{}, {"X-Request-ID": "a] INFO hubs: all is well"}])
def test_without_a_usable_one_there_is_one_of_our_own(forged: dict[str, str]) -> None:
    client = Client(RequestIds(_app))
    first, second = (client.get("/", headers=forged) for _ in range(2))
    assert first.text == first.headers["X-Request-ID"]
    assert len(first.text) == 32
    assert first.text != second.text


def test_messages_of_a_change_carry_the_id_also_of_hidden_hubs(session: Session) -> None:
    with logs.bound(request_id="0123456789abcdef"):
        outbox.record(session, "hubs.user.created", {"agent": "owner", "username": "owner"}, quiet=True)
    outbox.record(session, "hubs.user.created", {"agent": "owner", "username": "owner"})
    session.flush()
    first, second = session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(2)[::-1]
    assert first.body["request_id"] == "0123456789abcdef"
    assert "request_id" not in second.body
    assert all("request_id" not in entry.detail for entry in session.query(AuditEntry))
