"""The daemon as systemd sees it: its unit's own command line, a notify socket, and what happens at the end."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hubs.models import StoredMessage
from tests.integration.test_two_daemons import alone
from tests.services import BIN, Service, wait_for
from tests.stack import ROOT, Bus, Stack, command_of

SAID = {"capture_output": True, "text": True, "check": False}
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))


class Notified:
    """The socket on which systemd hears from a service."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.05)
        self.heard: list[tuple[float, str]] = []

    def poll(self) -> list[str]:
        with contextlib.suppress(TimeoutError):
            while True:
                self.heard.append((time.monotonic(), self._socket.recv(4096).decode()))
        return [text for _, text in self.heard]

    def silent_since(self, text: str) -> float:
        self.poll()
        return time.monotonic() - max((at for at, said in self.heard if said == text), default=0.0)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def notified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notified]:
    notified = Notified(tmp_path_factory.mktemp("unit") / "notify")
    yield notified
    notified.close()


@pytest.fixture(scope="module")
def daemon(production: Stack, bus: Bus, notified: Notified) -> Iterator[Service]:
    """Give a second daemon on the same services, started as its unit starts it."""
    env = {**production.env, "NOTIFY_SOCKET": str(notified.path), "HUBS_SWEEP_INTERVAL": "1"}
    folder, command = notified.path.parent, command_of(ROOT / "deploy" / "systemd" / "hubs-hub.service")
    service = Service(command, folder, "unit", env, cwd=ROOT)
    yield service
    if service.process.poll() is None:
        service.kill()


@pytest.fixture
def hub(daemon: Service, notified: Notified) -> Service:
    """Give the daemon, running: it starts again when the test before has ended it."""
    if daemon.process.poll() is not None:
        daemon.path.write_text("")
        notified.heard.clear()
        daemon.restart()
    return daemon.ready(lambda: "READY=1" in notified.poll())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    # The programs are elsewhere on this machine: that is the one thing about which verify may not complain.
    for path in (*UNITS, *SYSTEMD.glob("*.socket"), *SYSTEMD.glob("*.timer")):
        command = f"\\1{shutil.which('true')}"
        text = re.sub(r"^(ExecStart(?:Post)?=)\S+", command, path.read_text(), flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    copy = tmp_path / unit.name
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in result.stderr.splitlines() if unit.name in line]
    assert result.returncode == 0, result.stderr
    assert not complaints


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_units_leave_little_to_an_intruder(unit: Path) -> None:
    rated = ["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=20", str(unit)]
    result = subprocess.run(rated, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def _essence(unit: str) -> list[str]:
    """Return the lines of a unit that a standby shares with it."""
    other = ("#", "Description=", "Sockets=")
    return [line for line in unit.rstrip().splitlines() if not line.startswith(other)]


def test_the_web_and_stream_units_start_what_we_test() -> None:
    texts = {unit.stem: unit.read_text() for unit in UNITS}
    paired = {"hubs-hub", "hubs-web", "hubs-eventsource"}
    standbys = {f"{name}-standby" for name in paired}
    assert set(texts) == {*paired, *standbys, "hubs-backup", "hubs-relay", "hubs-worker"}
    for name in paired:
        # A standby does the same as the unit that it stands in for, but never starts by itself.
        assert _essence(texts[f"{name}-standby"]) == _essence(texts[name].partition("\n[Install]")[0])
        assert "[Install]" not in texts[f"{name}-standby"]
        shared = f"Sockets={name}.socket"
        assert (shared in texts[f"{name}-standby"].splitlines()) == (SYSTEMD / f"{name}.socket").exists()
    # Figures outlive a restart; both processes are scraped at one port.
    kept = {name: re.findall(r"^RuntimeDirectory=(.+)$", text, re.MULTILINE) for name, text in texts.items()}
    for name in (*paired, "hubs-worker"):
        assert kept[name] == [name]
    for name in paired:
        assert kept[f"{name}-standby"] == [name]
        assert "RuntimeDirectoryPreserve=yes" in texts[name]
    assert "hubs.wsgi:application" in texts["hubs-web"]
    assert "hubs.backend.eventsource:application" in texts["hubs-eventsource"]
    assert "Type=notify" in texts["hubs-hub"]
    assert "WatchdogSec=30" in texts["hubs-hub"]


def test_the_daemon_says_ready_and_feeds_the_watchdog(hub: Service, notified: Notified) -> None:
    wait_for(lambda: notified.poll().count("WATCHDOG=1") > 1, "a second sign of life")
    assert notified.poll().count("READY=1") == 1


def test_a_stuck_worker_stops_the_watchdog_and_a_freed_one_feeds_it_again(
    hub: Service, production: Stack, notified: Notified, bus: Bus
) -> None:
    with production.database().engine.connect() as connection, connection.begin():
        # The pipeline waits for this lock as it would for a database that hangs.
        connection.exec_driver_sql("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "stuck"})
        wait_for(lambda: notified.silent_since("WATCHDOG=1") > 4, "the watchdog to starve")
    assert "the pipeline is stuck" in hub.log()
    fed = notified.poll().count("WATCHDOG=1")
    wait_for(lambda: notified.poll().count("WATCHDOG=1") > fed, "the watchdog to be fed again")


def test_sigterm_ends_the_daemon_within_a_second_also_on_a_quiet_bus(hub: Service, notified: Notified) -> None:
    start = time.monotonic()
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(30) == 0
    assert time.monotonic() - start < 3  # a second on a machine with nothing else to do
    assert "STOPPING=1" in notified.poll()
    assert "stopped" in hub.log()
    assert "Traceback" not in hub.log()


def test_no_process_computes_while_nothing_happens(hub: Service, production: Stack) -> None:
    production.settle()
    parts = {"unit": hub, **production.services}
    before = {name: _processor_seconds(service) for name, service in parts.items()}
    time.sleep(3)
    used = {name: _processor_seconds(service) - before[name] for name, service in parts.items()}
    assert {name: seconds for name, seconds in used.items() if seconds > 0.4} == {}


def _processor_seconds(service: Service) -> float:
    """Return the processor time that a service's group of processes has used."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[2]) == service.process.pid:  # the group
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def test_a_relay_that_was_away_is_noticed(hub: Service, production: Stack, notified: Notified) -> None:
    lost = hub.log().count("on the bus is lost")
    production.services["relay"].stop()
    wait_for(lambda: hub.log().count("on the bus is lost") > lost, "the loss")
    production.services["relay"].restart()
    wait_for(lambda: "messages may be missing (no connection to tcp://" in hub.log(), "the reconnect")


def test_sigterm_in_a_flood_leaves_nothing_half_done(hub: Service, production: Stack, bus: Bus) -> None:
    for number in range(3000):
        bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "flooded", "title": str(number)})
    start = time.monotonic()
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(30) == 0
    assert time.monotonic() - start < 15  # more, and systemd would kill it
    with production.database().engine.connect() as connection:
        loose = connection.exec_driver_sql(
            "SELECT count(*) FROM messages m WHERE topic LIKE '%%wiki.article.edit' AND body ->> 'user' = 'flooded'"
            " AND NOT EXISTS (SELECT 1 FROM message_people p WHERE p.message_id = m.id)"
        ).scalar()
    assert loose == 0


def test_messages_that_wait_when_the_daemon_stops_are_stored(hub: Service, production: Stack, bus: Bus) -> None:
    database = production.database()
    with alone(production.services["hub"]):
        with database.transaction() as session:
            session.execute(text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
            ids = [bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "patient"}) for _ in range(400)]
            time.sleep(2)  # they are in the daemon's queue, behind the one that waits for the lock
            hub.process.send_signal(signal.SIGTERM)
            time.sleep(1)
        assert hub.process.wait(30) == 0
        with database.session() as session:
            assert session.query(StoredMessage).where(StoredMessage.msg_id.in_(ids)).count() == 400
    database.dispose()


def test_messages_that_cannot_be_stored_at_the_end_are_counted(hub: Service, production: Stack, bus: Bus) -> None:
    database = production.database()
    with alone(production.services["hub"]), database.transaction() as session:
        session.execute(text("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE"))
        for _ in range(200):
            bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": "impatient"})
        time.sleep(2)
        hub.process.send_signal(signal.SIGTERM)
        assert hub.process.wait(30) == 0
        assert "messages may be missing (stopped while 200 messages waited)" in hub.log()
    database.dispose()


def test_the_plain_hub_finds_the_plugin_by_its_entry_point(production: Stack, tmp_path: Path) -> None:
    service = Service([str(BIN / "fedmsg-hub")], tmp_path, "plain", production.env, cwd=ROOT)
    service.ready(lambda: "hubs.backend.consumer: ready" in service.log())
    assert service.stop() == 0


def test_the_plugin_can_be_switched_off(production: Stack, tmp_path: Path) -> None:
    service = Service([str(BIN / "fedmsg-hub")], tmp_path, "off", {**production.env, "HUBS_CONSUMER": "0"}, cwd=ROOT)
    service.ready(lambda: "disabled by config - hubs.backend.consumer:FedoraHubsConsumer" in service.log())
    service.kill()
    assert "ready" not in service.log()


def test_a_hub_with_bad_settings_ends_with_a_sentence(production: Stack, tmp_path: Path) -> None:
    env = {**production.env, "HUBS_REBUILD_THREAD": "many"}
    service = Service(command_of(ROOT / "deploy" / "systemd" / "hubs-hub.service"), tmp_path, "bad", env, cwd=ROOT)
    assert service.process.wait(60) != 0
    assert "Did you mean rebuild_threads?" in service.log()


def test_the_daemon_never_loads_flask() -> None:
    program = "import sys, hubs.backend.consumer; print([m for m in sys.modules if m in ('flask', 'werkzeug')])"
    result = subprocess.run(
        [str(BIN / "python"), "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "[]", result.stderr
