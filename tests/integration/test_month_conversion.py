"""Partitioning the tables of stored messages of a database in use, and the way back."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from hubs.actions.storage import retention
from hubs.commands.schema import db
from hubs.maintenance import online
from hubs.models import (
    Database,
    MessagePerson,
    StoredMessage,
    migrations,
)
from hubs.models.months import conversion, layout, undo, upkeep
from tests.migrated import within
from tests.months import DAYS, NOW, TIMES, counts, counts_of_plain, database, message, places, server, store, store_all

__all__ = ["database", "server"]


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


def test_the_command_partitions_and_undoes_it(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATABASE_URL", server.url.render_as_string(hide_password=False))

    def run(*words: str) -> str:
        result = CliRunner().invoke(db, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    first = layout.month_of(NOW + conversion.MARGIN).end
    names = ["before", *(month.suffix.replace("_", "-") for month in upkeep.months_from(first))]
    for _ in range(2):
        assert run("partition") == f"Stored messages are partitioned: {', '.join(names)}.\n"
    for _ in range(2):
        assert run("partition", "--undo") == "Stored messages are in one table.\n"


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


def test_a_new_database_is_partitioned_from_the_start(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATABASE_URL", server.url.render_as_string(hide_password=False))
    migrations.downgrade(server, "base")
    assert "(was empty)" in CliRunner().invoke(db, ["upgrade"], catch_exceptions=False).output
    with server.engine.connect() as connection:
        assert [part.start for part in layout.partitions(connection)][:2] == [None, layout.start_of_month(NOW)]
    migrations.check(server)
