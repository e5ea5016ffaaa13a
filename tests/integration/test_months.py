"""Stored messages by month on PostgreSQL: where rows go, what is dropped and what stays."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from hubs.actions import messages
from hubs.actions.people import roles, stream
from hubs.actions.storage import retention
from hubs.bus import Message, parse
from hubs.maintenance import online
from hubs.models import (
    Database,
    Hub,
    MessagePerson,
    Notice,
    NoticeKind,
    NoticeReason,
    StoredMessage,
    StreamMark,
    User,
    migrations,
    now,
)
from hubs.models.months import conversion, layout, undo, upkeep
from hubs.permissions import person
from hubs.widgets.registry import Registry
from tests.migrated import within

#: Days after which messages are old, and the times of messages of which two months are.
DAYS = 100
NOW = now()
TIMES = {"ancient": NOW - timedelta(days=900), "old": NOW - timedelta(days=200), "new": NOW - timedelta(minutes=2)}
TABLES = (*layout.TABLES, layout.IDS, "notices", "stream_marks")


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[Database]:
    """Give a database with a person and a hub, and months since a year ago."""
    database = Database(database_url, info={"site_url": "http://127.0.0.1"})
    undo.unpartition(database)
    with database.transaction() as session:
        roles.sign_up(session, Registry(), "rana")
    yield database
    database.dispose()


@pytest.fixture
def database(server: Database) -> Iterator[Database]:
    """Give it without messages, partitioned."""
    with server.engine.begin() as connection:
        connection.execute(text("DELETE FROM messages"))
    conversion.partition_empty(server, NOW - timedelta(days=300))
    yield server
    undo.unpartition(server)


def message(msg_id: str, received_at: datetime) -> Message:
    envelope = {"topic": "a.b.dev.wiki.article.edit", "msg": {}, "msg_id": msg_id, "timestamp": received_at.timestamp()}
    named = replace(parse(envelope), users=frozenset({"rana", "otto"}), packages=frozenset({"tidepool"}))
    return replace(named, received_at=received_at, sentence=f"The {msg_id} edit")


def store(database: Database, *stored: Message) -> list[str]:
    with database.transaction() as session:
        return [message.msg_id for message in messages.store(session, stored)]


def store_all(database: Database) -> dict[str, int]:
    """Store one message of each time, with a notification about each; return their ids."""
    store(database, *(message(name, moment) for name, moment in TIMES.items()))
    with database.transaction() as session:
        ids = {row.msg_id: row.id for row in session.query(StoredMessage)}
        user, hub_id = session.query(User).one(), session.query(Hub).one().id
        for name, number in ids.items():
            session.add(
                Notice(
                    user_id=user.id,
                    hub_id=hub_id,
                    kind=NoticeKind.MENTION,
                    reason=NoticeReason.MENTIONED,
                    subject=name,
                    message_id=number,
                    created_on=TIMES[name],
                )
            )
    return ids


def places(database: Database) -> dict[str, str]:
    """Return what the partition of each message is called."""
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT msg_id, tableoid::regclass::text FROM messages"))
        return {name: place.removeprefix("messages_") for name, place in rows}


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


def shown(database: Database, narrow: str = "all") -> list[str]:
    with database.session() as session:
        user = session.query(User).one()
        return [item.fallback for item in stream.read(session, person(user.id, user.username, ()), narrow).items]


def forget(database: Database) -> None:
    """Do as the daemon does every hour."""
    retention.keep_months(database, DAYS)
    with database.transaction() as session:
        assert not retention.purge(session, DAYS)


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
    assert places(database) == {
        "new": layout.month_of(TIMES["new"]).suffix,
        "kept": "other",
        "kept-by-notice": "other",
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


def test_a_month_that_is_being_read_is_dropped_later(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    store_all(database)
    caplog.set_level(logging.INFO)
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


def test_a_conversion_and_its_return_keep_every_row(database: Database) -> None:
    undo.unpartition(database)
    store_all(database)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE message_packages SET received_at = NULL"))  # as an older version stored it
    before = counts_of_plain(database)
    conversion.partition(database)
    migrations.check(database)
    assert {**counts(database), layout.IDS: 0} == before
    assert counts(database)[layout.IDS] == 3
    assert set(places(database).values()) == {"before"}
    with database.session() as session:
        assert {row.received_at for row in session.query(MessagePerson)} == set(TIMES.values())
    with database.transaction() as session:
        session.query(StoredMessage).filter_by(msg_id="old").delete()
    assert counts(database)["notices"] == 2
    assert store(database, message("new", NOW), message("newer", NOW)) == ["newer"]
    undo.unpartition(database)
    migrations.check(database)
    assert counts_of_plain(database) == {**before, "messages": 3, "notices": 2}
    assert store(database, message("newer", NOW)) == []


def counts_of_plain(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        assert not layout.is_partitioned(connection)
        plain = (table for table in TABLES if table != layout.IDS)
        found = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in plain}
    return {**found, layout.IDS: 0}


def test_an_interrupted_conversion_is_continued_or_undone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    undo.unpartition(database)
    store_all(database)
    monkeypatch.setattr(conversion, "_swap", lambda *_: 1 / 0)
    clear = conversion.clear
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "clear", lambda _: None)  # as if it had been killed
        with pytest.raises(ZeroDivisionError):
            conversion.partition(database)
    later = layout.month_of(NOW + conversion.MARGIN).end
    store(database, message("meanwhile", NOW))
    with database.transaction() as session:
        session.query(StoredMessage).filter_by(msg_id="ancient").delete()
    retention.keep_months(database, DAYS)
    with pytest.raises(Exception, match="ck_messages_before"):
        store(database, message("late", later))
    monkeypatch.setattr(conversion, "now", lambda: later - timedelta(days=1))
    retention.keep_months(database, 9999)
    assert store(database, message("late", later)) == ["late"]
    monkeypatch.undo()
    assert clear is conversion.clear
    with database.transaction() as session:
        session.query(StoredMessage).filter_by(msg_id="late").delete()
    conversion.partition(database)
    assert set(places(database)) == {"old", "new", "meanwhile"}
    assert counts(database)[layout.IDS] == 3


def test_an_index_is_created_on_every_month_and_on_those_to_come(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create() -> None:
        online.create_index("ix_tried", "messages", ["lower(topic)", "category"], where="category <> ''")

    within(database, create)
    within(database, create)
    monkeypatch.setattr(upkeep, "now", lambda: NOW + timedelta(days=40))
    upkeep.create_ahead(database)
    valid = """SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_index x ON x.indexrelid = i.inhrelid
      WHERE i.inhparent = 'ix_tried'::regclass AND x.indisvalid"""
    with database.engine.connect() as connection:
        assert len(connection.scalars(text(valid)).all()) == len(layout.partitions(connection)) + 1
        assert connection.scalar(text("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_tried'::regclass"))
    within(database, lambda: online.drop_index("ix_tried"))
    migrations.check(database)


def test_a_downgrade_makes_plain_tables_first(database: Database) -> None:
    store_all(database)
    migrations.downgrade(database, "0044")
    assert counts_of_plain(database)["messages"] == 3
    migrations.upgrade(database)
    migrations.check(database)
