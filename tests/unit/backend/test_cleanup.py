"""The daemon keeps the months of messages in a thread, which holds up no message."""

import threading

import pytest
from sqlalchemy.exc import OperationalError

from hubs.actions.storage import retention
from hubs.backend.cleanup import Cleanup
from hubs.models import Database
from hubs.settings import load
from tests.services import wait_for


def test_months_are_kept_by_one_thread_at_a_time_whose_errors_are_logged(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, ended = list[int](), threading.Event()

    def keep(_database: Database, days: int) -> None:
        begun.append(days)
        ended.wait(10)
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(retention, "keep_months", keep)
    cleanup = Cleanup(database, load({"HUBS_RETENTION_DAYS": "50"}), lambda _: None)
    cleanup.keep_months()
    cleanup.keep_months()
    wait_for(lambda: begun, "the first attempt", 10)
    ended.set()
    wait_for(lambda: "months" not in {thread.name for thread in threading.enumerate()}, "the end of the thread", 10)
    assert begun == [50]
    assert "the months of stored messages cannot be kept" in caplog.text
    cleanup.keep_months()
    wait_for(lambda: begun == [50, 50], "another attempt", 10)
