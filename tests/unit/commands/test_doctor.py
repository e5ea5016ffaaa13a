"""Each check of ``hubs doctor`` turns red by its fault, and a healthy instance is green."""

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import fakeredis
import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from hubs import __version__
from hubs.events import canary, coverage, heartbeat, sources
from hubs.events.connection import connect
from hubs.fragments import schedule
from hubs.fragments.store import FragmentStore
from hubs.maintenance import doctor, findings
from hubs.models import Database, Hub, OutboxMessage, Widget, now
from hubs.services import create_fragments
from hubs.settings import load
from tests import certificates
from tests.unit.commands.test_commands import run, settings

__all__ = ["settings"]
KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
pytestmark = pytest.mark.usefixtures("healthy")


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def site() -> Iterator[str]:
    """Serve a web application, as far as it is asked whether it works."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def healthy(
    session: Session, team: Hub, store: fakeredis.FakeRedis, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give an instance without faults."""
    # The changes that created the team, however long ago that was in this run.
    session.execute(delete(OutboxMessage))
    session.commit()
    monkeypatch.setenv("HUBS_SECRET_KEY", KEY)
    monkeypatch.setenv("HUBS_LOCAL_LOGIN", "1")
    monkeypatch.setenv("HUBS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(doctor, "create_event_log", lambda _: SimpleNamespace(client=store))
    monkeypatch.setattr(findings.shutil, "disk_usage", lambda _: SimpleNamespace(free=50, total=100))
    heartbeat.publish(store, "daemon", None)
    canary.record(store, 0.25)
    _note_backup(tmp_path, timedelta(hours=3))
    monkeypatch.setenv("HUBS_SITE_URL", site)
    with store.pubsub() as subscription:
        subscription.subscribe(canary.CHANNEL)
        yield


def _note_backup(folder: Path, age: timedelta) -> None:
    note = {"made_at": (now() - age).isoformat(), "folder": "/backup", "encrypted": True}
    (folder / "last_backup.json").write_text(json.dumps(note))


def _red() -> dict[str, str]:
    result = run("doctor", "--json", fails=SystemExit)
    shown = json.loads(result.output)
    assert not shown["ok"]
    assert result.exit_code == 1
    return {check["name"]: check["text"] for check in shown["checks"] if not check["ok"]}


def test_a_healthy_instance_is_green(site: str, store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("doctor").output
    assert "✗" not in shown
    assert f"✓ version       Hubs {__version__}, Python 3." in shown
    assert re.search(r"✓ database +SQLite 3[\d.]+, writable", shown)
    assert "✓ redis         Redis, writable" in shown  # this one tells no version
    monkeypatch.setattr(store, "info", lambda section: {"redis_version": f"7.2 ({section})"})
    assert "✓ redis         Redis 7.2 (server), writable" in run("doctor").output
    assert f"✓ pages         {site} answers" in shown
    assert "✓ canary        came back 0 s ago, after 0.25 s" in shown
    assert "in /backup, encrypted" in shown
    assert "✓ months        none: SQLite keeps all messages in one table" in shown


@pytest.mark.parametrize(
    ("name", "value", "check", "todo"),
    [
        ("SECRET_KEY", "short", "secret key", "openssl rand"),
        ("SECRET_KEY", "x" * 64, "secret key", "can be guessed"),
        ("LOCAL_LOGIN", "0", "sign-in", "Nobody can sign in"),
        ("ENVIRONMENT", "prod", "topic prefix", "HUBS_PRESET"),
        ("CACHE_URL", "memcached://127.0.0.1:1", "cache", "Start memcached"),
        ("REBUILD", "never", "settings", "HUBS_REBUILD"),
    ],
)
def test_a_bad_setting_is_red(name: str, value: str, check: str, todo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HUBS_{name}", value)
    red = _red()
    assert list(red) == [check]
    assert todo in red[check]


def test_a_shared_database_without_a_key_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_SECRET_KEY", "")
    monkeypatch.setenv("HUBS_DATABASE_URL", "postgresql+psycopg2://hubs@127.0.0.1:1/hubs")
    assert "HUBS_SECRET_KEY is empty" in _red()["secret key"]


def test_local_login_at_a_public_address_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_SITE_URL", "http://hubs.invalid")
    assert "HUBS_LOCAL_LOGIN" in _red()["sign-in"]


def test_http_and_a_missing_secret_of_the_provider_are_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_LOCAL_LOGIN", "0")
    monkeypatch.setenv("HUBS_OIDC_ISSUER", "https://id.example.org")
    monkeypatch.setenv("HUBS_OIDC_CLIENT_ID", "hubs")
    assert "HUBS_OIDC_CLIENT_SECRET" in _red()["sign-in"]
    monkeypatch.setenv("HUBS_SITE_URL", "http://hubs.invalid")
    assert "Serve it with https" in _red()["sign-in"]


def test_an_older_schema_is_red_and_a_newer_one_is_named(database: Database) -> None:
    _set_schema(database, "9999")
    assert "9999, newer" in run("doctor").output
    _set_schema(database, "0033")
    assert "Run: hubs db upgrade" in _red()["schema"]


def _set_schema(database: Database, revision: str) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_a_database_that_is_down_gives_one_sentence_per_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_DATABASE_URL", "postgresql+psycopg2://hubs@127.0.0.1:1/hubs")
    red = _red()
    assert list(red) == ["schema", "database", "changes", "clock", "months", "widgets"]
    assert all("\n" not in sentence for sentence in red.values())
    assert "Traceback" not in run("doctor", fails=SystemExit).output


def test_redis_that_is_down_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "create_event_log", lambda _: SimpleNamespace(client=connect("redis://127.0.0.1:1")))
    assert list(_red()) == ["redis", "heartbeat", "canary", "event server", "builds", "topics", "sources"]


def test_a_late_heartbeat_and_a_late_canary_are_red(store: fakeredis.FakeRedis) -> None:
    store.delete(heartbeat.LAST_KEY, "hubs:canary:last")
    assert list(_red()) == ["heartbeat", "canary"]


def test_no_event_server_is_red(store: fakeredis.FakeRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "pubsub_numsub", lambda channel: [(channel.encode(), 0)])
    assert "hubs-eventsource" in _red()["event server"]


def test_overdue_builds_are_red(store: fakeredis.FakeRedis) -> None:
    store.zadd(schedule.KEY, {"1": time.time() - doctor.OVERDUE - 1, "2": time.time()})
    assert "1 widgets wait" in _red()["builds"]


def test_unread_topics_are_red(store: fakeredis.FakeRedis) -> None:
    coverage.add(store, {"otters": 3})
    assert "otters (3)" in _red()["topics"]


def test_a_bus_that_fell_silent_is_red_and_a_silent_webhook_is_not(store: fakeredis.FakeRedis) -> None:
    sources.note(store, {"fedmsg": now() - timedelta(minutes=5), "webhook": now() - timedelta(days=3)})
    assert "fedmsg 5 minutes ago" in run("doctor").output
    sources.note(store, {"amqp": now() - timedelta(minutes=40)})
    assert "Silent: amqp for 40 minutes." in _red()["sources"]


def test_changes_that_wait_or_failed_are_red(session: Session) -> None:
    row = OutboxMessage(topic="hubs.hub.updated", body={}, digest="x", created_on=now() - timedelta(minutes=9))
    session.add(row)
    session.commit()
    assert "9 minutes" in _red()["changes"]
    row.attempts = 10
    session.commit()
    assert "1 changes failed" in _red()["changes"]


def test_pages_that_do_not_answer_are_red(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_SITE_URL", "http://127.0.0.1:1")
    assert "Look at hubs-web" in _red()["pages"]
    monkeypatch.setenv("HUBS_SITE_URL", f"{site}/elsewhere")
    assert "/elsewhere/livez does not answer as it should (HTTP Error 404" in _red()["pages"]


def test_a_clock_that_is_wrong_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "time", SimpleNamespace(time=lambda: time.time() + 60))
    assert "60 s apart" in _red()["clock"]


def test_a_widget_that_fails_is_red(session: Session, team: Hub) -> None:
    row = Widget(hub=team, plugin="gone", settings={})
    session.add(row)
    session.commit()
    create_fragments(load(), FragmentStore).give_up(row, TimeoutError("no answer"))
    assert "gone (1)" in _red()["widgets"]


def test_an_old_missing_or_unreadable_backup_is_red(tmp_path: Path) -> None:
    _note_backup(tmp_path, timedelta(days=3))
    assert "3 days old" in _red()["backup"]
    (tmp_path / "last_backup.json").write_text("{}")
    assert "cannot be read" in _red()["backup"]
    (tmp_path / "last_backup.json").unlink()
    assert "hubs-backup.timer" in _red()["backup"]


def test_a_full_disk_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings.shutil, "disk_usage", lambda _: SimpleNamespace(free=5, total=100))
    assert "Only 5%" in _red()["disk"]


def test_a_certificate_that_ends_soon_or_cannot_be_read_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_BUS_CERTS", str(tmp_path))
    certificates.write(tmp_path / "hubs-otter", timedelta(days=30))
    assert "hubs-otter.crt until" in run("doctor").output
    certificates.write(tmp_path / "hubs-otter", timedelta(days=3))
    assert "That of hubs-otter.crt ends on" in _red()["certificates"]
    (tmp_path / "hubs-otter.crt").write_text("")
    assert "cannot be read" in _red()["certificates"]
