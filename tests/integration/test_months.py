"""Stored messages by month on PostgreSQL: where rows go, what is dropped and what stays."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hubs.actions.storage import retention
from hubs.backend import cleanup, daemon
from hubs.maintenance import doctor
from hubs.maintenance.findings import Finding
from hubs.models import (
    Database,
    Notice,
    StoredMessage,
    StreamMark,
    User,
)
from hubs.models.months import dropping, layout, state, undo, upkeep
from hubs.settings import load
from tests.months import (
    DAYS,
    NOW,
    TIMES,
    counts,
    database,
    forget,
    message,
    places,
    server,
    shown,
    store,
    store_all,
)
from tests.services import HOST, wait_for
from tests.stack import KEY
from tests.upstream import NOBODY

__all__ = ["database", "server"]


def test_a_message_is_in_the_month_of_its_receipt_and_one_that_has_none_is_stored_all_the_same(
    database: Database,
) -> None:
    far = datetime(2100, 1, 1, tzinfo=UTC)
    assert store(database, *(message(name, moment) for name, moment in {**TIMES, "far": far}.items())) != []
    month = layout.month_of(TIMES["old"]).suffix
    assert places(database) == {
        "ancient": "before",
        "old": month,
        "new": layout.month_of(TIMES["new"]).suffix,
        "far": "other",
    }
    with database.engine.connect() as connection:
        for table in ("message_people", "message_packages"):
            rows = connection.execute(text(f"SELECT tableoid::regclass::text, received_at FROM {table}")).all()
            assert (f"{table}_{month}", TIMES["old"]) in rows
            assert (f"{table}_other", far) in rows


def test_a_message_is_stored_once_whatever_month_it_is_received_in(database: Database) -> None:
    assert store(database, message("same", TIMES["old"])) == ["same"]
    assert store(database, message("same", TIMES["new"]), message("other", TIMES["new"])) == ["other"]
    assert counts(database)["messages"] == 2
    with database.transaction() as session:
        session.query(StoredMessage).filter_by(msg_id="same").delete()
    assert counts(database)["message_people"] == 2
    assert store(database, message("same", TIMES["new"])) == ["same"]


def test_old_months_are_dropped_and_saved_messages_keep_everything(database: Database) -> None:
    ids = store_all(database)
    store(database, message("kept", TIMES["old"]), message("kept-by-notice", TIMES["old"]))
    with database.transaction() as session:
        kept = session.query(StoredMessage).filter_by(msg_id="kept").one().id
        session.add(StreamMark(user_id=session.query(User).one().id, message_id=kept, saved=True))
        notice = session.query(Notice).filter_by(subject="old").one()
        notice.saved = True
        notice.message_id = session.query(StoredMessage).filter_by(msg_id="kept-by-notice").one().id
        session.add(StreamMark(user_id=notice.user_id, message_id=ids["old"], hidden=True))
    month = layout.month_of(TIMES["old"]).suffix
    forget(database)
    before = layout.before(layout.start_of_month(NOW - timedelta(days=DAYS))).suffix
    assert places(database) == {
        "new": layout.month_of(TIMES["new"]).suffix,
        "kept": before,
        "kept-by-notice": before,
    }
    assert shown(database, "saved") == ["The kept edit"]
    with database.session() as session:
        row = session.query(StoredMessage).filter_by(msg_id="kept").one()
        assert {named.username for named in row.people} == {"rana", "otto"}
        assert [named.package for named in row.packages] == ["tidepool"]
        assert {row.subject: row.message.sentence for row in session.query(Notice) if row.message} == {
            "new": "The new edit",
            "old": "The kept-by-notice edit",
        }
        assert session.query(StreamMark).filter_by(hidden=True).count() == 0
    with database.engine.connect() as connection:
        assert month not in {partition.suffix for partition in layout.partitions(connection)}
        assert layout.detached(connection) == []
    assert counts(database) == {
        "messages": 3,
        "message_people": 6,
        "message_packages": 3,
        "message_ids": 3,
        "notices": 2,
        "stream_marks": 1,
    }
    # What is no longer saved goes as well, and what is heard of again is new.
    with database.transaction() as session:
        session.query(StreamMark).delete()
    forget(database)
    assert set(places(database)) == {"new", "kept-by-notice"}
    assert store(database, message("old", TIMES["new"])) == ["old"]


def test_identities_of_dropped_months_are_deleted_in_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "REMOVED", 3)
    store(database, *(message(f"m{number}", TIMES["old"]) for number in range(7)), message("new", NOW))
    retention.keep_months(database, DAYS)
    left = []
    for _ in range(3):
        with database.transaction() as session:
            more = retention.purge(session, DAYS)
        left.append((more, counts(database)[layout.IDS]))
    assert left == [(True, 5), (True, 2), (False, 1)]


def test_months_are_created_ahead_and_take_what_was_stored_elsewhere(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(days=100)
    store_all(database)
    store(database, message("early", later))
    with database.transaction() as session:
        number = session.query(StoredMessage).filter_by(msg_id="early").one().id
        session.query(Notice).filter_by(subject="new").update({"message_id": number})
    before = counts(database)
    assert places(database)["early"] == "other"
    monkeypatch.setattr(upkeep, "now", lambda: later)
    upkeep.create_ahead(database)
    assert places(database)["early"] == layout.month_of(later).suffix
    assert counts(database) == before
    with database.engine.connect() as connection:
        partitions = layout.partitions(connection)
    assert [partition.start for partition in partitions[1:]] == [partition.end for partition in partitions[:-1]]
    assert partitions[-1].start is not None
    assert partitions[-1].start - later > timedelta(days=28)


def test_a_month_that_is_being_read_is_dropped_later(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_all(database)
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(dropping, "TRIES", 2)
    with database.session() as reader:
        assert reader.query(StoredMessage).count() == 3
        retention.keep_months(database, DAYS)
        assert "trying again later" in caplog.text
        assert reader.query(StoredMessage).count() == 3
    assert set(places(database)) == {"ancient", "old", "new"}
    retention.keep_months(database, DAYS)
    assert set(places(database)) == {"new"}


def test_tables_that_a_killed_daemon_left_are_dropped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_all(database)
    with monkeypatch.context() as patch:
        patch.setattr(layout, "detached", lambda _: [])
        retention.keep_months(database, DAYS)
    with database.engine.connect() as connection:
        assert layout.month_of(TIMES["old"]).suffix in layout.detached(connection)
    retention.keep_months(database, DAYS)
    with database.engine.connect() as connection:
        assert layout.detached(connection) == []


def test_two_daemons_create_and_drop_the_same_months(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_all(database)
    later = NOW + timedelta(days=400)
    monkeypatch.setattr(upkeep, "now", lambda: later)
    failed: list[BaseException] = []

    def daemon() -> None:
        try:
            for _ in range(5):
                retention.keep_months(database, DAYS)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=daemon) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    retention.keep_months(database, DAYS)
    assert set(places(database)) == {"new"}
    with database.engine.connect() as connection:
        partitions = layout.partitions(connection)
    assert [partition.start for partition in partitions[1:]] == [partition.end for partition in partitions[:-1]]


def test_the_daemon_creates_and_drops_months(
    database: Database, redis_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_all(database)
    url = database.url.render_as_string(hide_password=False)
    places_of = {
        "HUBS_DATABASE_URL": url,
        "HUBS_REDIS_URL": f"redis://{HOST}:{redis_port}/0",
        "HUBS_CACHE_URL": "null://",
    }
    env = {**NOBODY, **places_of, "HUBS_DATA_DIR": str(tmp_path), "HUBS_SECRET_KEY": KEY, "HUBS_PUBLISH": "0"}
    monkeypatch.setattr(cleanup, "FIRST", 0.0)
    running = daemon.Daemon(load({**env, "HUBS_RETENTION_DAYS": str(DAYS)}))
    later = NOW + timedelta(days=40)
    monkeypatch.setattr(upkeep, "now", lambda: later)
    running.start()
    try:

        def are_kept() -> bool:
            with database.engine.connect() as connection:
                suffixes = {partition.suffix for partition in layout.partitions(connection)}
            ahead = layout.month_of(layout.month_of(later).end).suffix
            return ahead in suffixes and layout.month_of(TIMES["old"]).suffix not in suffixes

        wait_for(are_kept, "the months to be created and dropped")
    finally:
        running.stop()


def finding(database: Database) -> Finding:
    """Return what the doctor says about the months; Redis is down."""
    url = database.url.render_as_string(hide_password=False)
    places_of = {"HUBS_DATABASE_URL": url, "HUBS_REDIS_URL": f"redis://{HOST}:1/0", "HUBS_CACHE_URL": "null://"}
    settings = load({**NOBODY, **places_of, "HUBS_SECRET_KEY": KEY, "HUBS_RETENTION_DAYS": str(DAYS)})
    return next(each for each in doctor.examine(settings) if each.name == "months")


def test_the_doctor_names_months_that_were_not_dropped(database: Database) -> None:
    store_all(database)
    said = finding(database)
    assert not said.ok
    assert f"not dropped: {layout.month_of(NOW - timedelta(days=300)).suffix}, " in said.text
    assert layout.month_of(NOW).suffix not in said.text
    retention.keep_months(database, DAYS)
    said = finding(database)
    assert said.ok
    assert f"there until {layout.month_of(layout.month_of(layout.month_of(NOW).end).end).end:%Y-%m-%d}" == said.text


def test_the_doctor_names_a_month_that_is_missing_and_what_is_stored_elsewhere(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.keep_months(database, DAYS)
    month = layout.month_of(NOW)
    later = layout.month_of(month.end).end + timedelta(days=1)
    for moment, is_good in ((month.end, True), (later, False)):
        monkeypatch.setattr(state, "now", lambda moment=moment: moment)
        assert finding(database).ok is is_good
    end = layout.month_of(later).end
    assert f"There is no month from {end:%Y-%m-%d} on. Look at the log of hubs-hub" in finding(database).text
    store(database, message("lost", end + timedelta(hours=1)))
    monkeypatch.setattr(state, "now", lambda: end + timedelta(days=1))
    assert "on, and 1 messages are in the partition for the rest." in finding(database).text


def test_the_end_of_the_months_is_read_while_messages_are_locked(database: Database) -> None:
    with database.session() as locking, database.engine.connect() as reading:
        locking.execute(text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
        reading.execute(text("SET LOCAL statement_timeout = '3s'"))
        assert state.end(reading) == layout.month_of(layout.month_of(layout.month_of(NOW).end).end).end


def test_the_doctor_names_the_command_where_a_large_table_has_no_partitions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo.unpartition(database)
    assert finding(database) == Finding("months", True, "none")
    store_all(database)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE messages"))
    monkeypatch.setattr(doctor, "MANY", 2)
    assert finding(database) == Finding("months", True, "none, but 3 messages in one table. Run: hubs db partition")
