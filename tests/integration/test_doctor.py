"""``hubs doctor`` against real services: green when all is well, and for each broken part one sentence."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hubs.models import now
from tests import certificates, services
from tests.services import HOST, Service, wait_for
from tests.stack import BIN, ROOT, Stack, stack

#: Long enough for a key, and unlike the one of other tests.
KEY = "Kz3fQ8mVb2Lr7XtWn5Yc1HsJd9GpUe6A"
MINUTES = 2


def _doctor(env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "hubs", "doctor", *options]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


@dataclass
class Place:
    """A stack, and the services under it."""

    stack: Stack
    postgresql: Service
    memcached: Service
    redis: Service
    folder: Path

    def red(self, **more: str) -> dict[str, str]:
        """Return the checks that fail with these settings, and their sentences."""
        done = _doctor({**self.stack.env, **more}, "--json")
        checks = {each["name"]: each["text"] for each in json.loads(done.stdout)["checks"] if not each["ok"]}
        assert done.returncode == (1 if checks else 0)
        assert all("\n" not in sentence for sentence in checks.values()), checks
        return checks

    def becomes_green(self) -> None:
        """Wait until nothing is wrong any more: the daemon and the canary need a moment."""
        wait_for(lambda: not self.red(), "all checks to pass", 60 * MINUTES)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "certificates").mkdir()
    with contextlib.ExitStack() as exits:
        postgresql, port = exits.enter_context(services.postgresql())
        memcached, cache_port = exits.enter_context(services.memcached(folder))
        redis, redis_port = exits.enter_context(services.redis_server(folder))
        addresses = (
            f"postgresql+psycopg2://postgres@{HOST}:{port}/postgres",
            f"memcached://{HOST}:{cache_port}",
            f"redis://{HOST}:{redis_port}/0",
        )
        more = {"HUBS_SECRET_KEY": KEY, "HUBS_BUS_CERTS": str(folder / "certificates")}
        running = exits.enter_context(stack(folder, *addresses, more))
        exits.enter_context(contextlib.closing(running.bus()))
        _note_backup(folder, timedelta(hours=3))
        yield Place(running, postgresql, memcached, redis, folder)


def _note_backup(folder: Path, age: timedelta) -> None:
    note = {"made_at": (now() - age).isoformat(), "folder": "/backup", "encrypted": False}
    (folder / "last_backup.json").write_text(json.dumps(note))


def test_a_working_instance_is_green(place: Place) -> None:
    place.becomes_green()


def test_redis_that_is_down(place: Place) -> None:
    place.redis.stop()
    assert {"redis", "heartbeat", "canary", "event server", "builds", "topics", "sources"} == set(place.red())
    place.redis.restart()
    place.becomes_green()


def test_memcached_that_is_down(place: Place) -> None:
    place.memcached.stop()
    red = place.red()
    assert "Start memcached" in red["cache"]
    place.memcached.restart()
    place.becomes_green()


def test_postgresql_that_is_down(place: Place) -> None:
    place.postgresql.stop()
    assert {"schema", "database", "changes", "clock", "widgets"} <= set(place.red())
    place.postgresql.restart()
    place.becomes_green()


def test_an_old_schema(place: Place) -> None:
    database = place.stack.database()
    with database.transaction() as session:
        current = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = '0033'"))
    assert "Run: hubs db upgrade" in place.red()["schema"]
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": current})
    database.dispose()


def test_processes_that_are_gone(place: Place) -> None:
    place.stack.services["stream"].stop()
    place.stack.services["hub"].stop()
    wait_for(lambda: {"heartbeat", "event server"} <= set(place.red()), "their absence")
    for name in ("stream", "hub"):
        place.stack.services[name].restart()
    place.becomes_green()


def test_settings_and_files_of_the_machine(place: Place) -> None:
    assert "openssl rand" in place.red(HUBS_SECRET_KEY="short")["secret key"]
    assert "HUBS_REBUILD" in place.red(HUBS_REBUILD="never")["settings"]
    assert "Serve it with https" in place.red(HUBS_SITE_URL="http://hubs.example.org", HUBS_LOCAL_LOGIN="0")["sign-in"]
    assert "Create it, or set HUBS_DATA_DIR" in place.red(HUBS_DATA_DIR="/nowhere/hubs")["disk"]
    certificates.write(place.folder / "certificates" / "hubs-otter", timedelta(days=3))
    assert "Renew it" in place.red()["certificates"]
    (place.folder / "certificates" / "hubs-otter.crt").unlink()
    _note_backup(place.folder, timedelta(days=5))
    assert "5 days old" in place.red()["backup"]
    _note_backup(place.folder, timedelta(hours=1))


def test_a_full_disk(place: Place, tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "hubs-test", tmp_path]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED: no disk can be mounted here, so none can be filled")
    try:
        (tmp_path / "block").write_bytes(bytes(1_000_000))
        assert "Remove old backups" in place.red(HUBS_DATA_DIR=str(tmp_path))["disk"]
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_when_the_bus_was_heard(place: Place) -> None:
    def heard() -> bool:
        return "✓ sources       fedmsg " in _doctor(place.stack.env).stdout

    # The daemon was restarted above, so it must hear a message again; it notes that once a minute.
    place.stack.bus().close()
    wait_for(heard, "the note of the daemon", 60 * MINUTES)
