"""A worker answers a request of its own before it says that it is ready, and also starts if it cannot."""

import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from hubs.maintenance import gunicorn_hooks, gunicorn_web


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what has happened."""
    events: list[str] = []
    monkeypatch.setattr(gunicorn_hooks, "post_worker_init", lambda worker: events.append("ready"))
    return events


def start(application: Any) -> None:
    gunicorn_web.post_worker_init(SimpleNamespace(wsgi=application, log=logging.getLogger("gunicorn.error")))


def test_a_worker_is_warm_before_it_is_ready(events: list[str]) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        events.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        start_response("200 OK", [])
        return []

    start(application)
    assert events == ["GET /", "ready"]


def test_a_worker_that_cannot_answer_starts_and_says_why(events: list[str], caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise RuntimeError("no such table")

    start(application)
    assert events == ["ready"]
    assert "no such table" in caplog.text
