"""Each check of ``/readyz`` turns red by its fault, alone."""

from pathlib import Path

import fakeredis
import pytest
import redis
from sqlalchemy import text

from hubs.errors import BadSetting
from hubs.events import canary, heartbeat
from hubs.health import schema
from hubs.health.readiness import Readiness
from hubs.models import Database, migrations


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    client = fakeredis.FakeRedis()
    heartbeat.publish(client, "daemon", None)
    canary.record(client, 0.25)
    return client


@pytest.fixture
def migrated(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/hubs.db")
    migrations.upgrade(database)
    return database


def _red(database: Database, client: redis.Redis) -> dict[str, str]:
    return {name: reason for name, reason in Readiness(database, lambda: client).problems().items() if reason}


def test_everything_is_fine(migrated: Database, store: fakeredis.FakeRedis) -> None:
    assert _red(migrated, store) == {}


def test_an_older_schema_is_refused_with_the_command_to_run(migrated: Database, store: fakeredis.FakeRedis) -> None:
    migrations.downgrade(migrated, "0033")
    assert list(_red(migrated, store)) == ["schema"]
    with pytest.raises(BadSetting, match=r"is 0033.*Run: hubs db upgrade"):
        schema.require(migrated)


def test_a_newer_schema_is_accepted_and_logged(
    migrated: Database, store: fakeredis.FakeRedis, caplog: pytest.LogCaptureFixture
) -> None:
    with migrated.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert _red(migrated, store) == {}
    schema.require(migrated)
    assert "newer (9999)" in caplog.text


def test_an_empty_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="does not exist"):
        schema.require(Database(f"sqlite:///{tmp_path}/empty.db"))


def test_a_database_that_takes_no_writes_is_red(migrated: Database, store: fakeredis.FakeRedis, tmp_path: Path) -> None:
    migrated.dispose()
    read_only = Database(f"sqlite:///file:{tmp_path}/hubs.db?mode=ro&uri=true")
    assert list(_red(read_only, store)) == ["database"]
    read_only.dispose()


def test_redis_that_answers_but_takes_no_writes_is_red(
    migrated: Database, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr(store, "set", refuse)
    assert list(_red(migrated, store)) == ["redis"]


def test_a_late_heartbeat_is_red(migrated: Database, store: fakeredis.FakeRedis) -> None:
    store.pexpire(heartbeat.LAST_KEY, int((heartbeat.REMEMBERED - heartbeat.LATE - 1) * 1000))
    assert list(_red(migrated, store)) == ["heartbeat"]


def test_a_late_canary_is_red(migrated: Database, store: fakeredis.FakeRedis) -> None:
    store.pexpire("hubs:canary:last", int((86_400 - canary.LATE - 1) * 1000))
    assert list(_red(migrated, store)) == ["canary"]
