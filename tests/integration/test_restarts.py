"""Each unit is restarted under load, with the sockets that systemd passes: nothing is refused and nothing is lost."""

import contextlib
import http.client
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hubs.models import Database, StoredMessage
from tests.services import HOST, Service
from tests.stack import ROOT, Bus, Stack, command_of

SYSTEMD = ROOT / "deploy" / "systemd"
RESTARTS = 5
#: Seconds that a request may take during a restart: it waits until a worker has loaded the application.
PATIENCE = 60
TOPIC = "org.fedoraproject.dev.wiki.article.edit"


class Unit(Service):
    """A unit's own command, with a notification socket and, if ``listener`` is given, a socket as systemd passes it."""

    def __init__(self, name: str, folder: Path, env: dict[str, str], listener: socket.socket | None = None) -> None:
        self._listener = listener
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = folder / f"{name}.notify"
        self._notify.bind(str(path))
        self._notify.settimeout(PATIENCE)
        command = command_of(SYSTEMD / f"{name}.service")
        super().__init__(command, folder, name, {**env, "NOTIFY_SOCKET": str(path)}, cwd=ROOT)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._listener is None:
            return super()._start()
        number = self._listener.fileno()
        # systemd passes the first socket as descriptor 3, to the process whose id it names.
        script = f"exec 3<&{number}; export LISTEN_PID=$$ LISTEN_FDS=1; exec {shlex.join(self.argv)}"
        with self.path.open("ab") as out:
            return subprocess.Popen(
                ["sh", "-c", script],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
                pass_fds=[number],
            )

    def until_active(self) -> None:
        """Wait for READY, as `systemctl start` does."""
        while not self._notify.recv(400).startswith(b"READY=1"):
            pass

    def drain(self) -> None:
        """Forget the notifications so far."""
        self._notify.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._notify.recv(400)
        self._notify.settimeout(PATIENCE)

    def systemctl_restart(self) -> None:
        """Do what `systemctl restart` does."""
        self.stop(20)
        self.drain()
        self.restart()
        self.until_active()

    def close(self) -> None:
        """End the process."""
        self.stop(20)
        self._notify.close()


class Load:
    """Repeats ``work`` in threads until the block ends; keeps what it raised."""

    def __init__(self, work: Callable[[], object], threads: int, pause: float) -> None:
        self._work, self._pause, self._stop = work, pause, threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.failed: list[str] = []
        self.seconds: list[float] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            began = time.monotonic()
            try:
                self._work()
            except Exception as error:  # whatever it is counts
                self.failed.append(f"{type(error).__name__}: {error}")
            self.seconds.append(time.monotonic() - began)


def ask(port: int, path: str) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
    finally:
        connection.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a listening socket, as the socket units describe it."""
    with socket.create_server((HOST, 0), backlog=4096) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), [("hubs-web", "/"), ("hubs-eventsource", "/healthz")])
def test_a_restart_refuses_no_request(
    name: str, path: str, production: Stack, listener: socket.socket, tmp_path: Path
) -> None:
    port = listener.getsockname()[1]
    unit = Unit(name, tmp_path, production.env, listener)
    try:
        unit.until_active()
        with Load(lambda: ask(port, path), threads=5, pause=0.1) as load:
            for _ in range(RESTARTS):
                time.sleep(1)
                unit.systemctl_restart()
            time.sleep(1)
    finally:
        unit.close()
    print(f"\n{name}: {len(load.seconds)} requests, {len(load.failed)} failed, slowest {max(load.seconds):.1f} s")
    # Few on a busy machine, where each waits for the start of the application; but some during each restart.
    assert len(load.seconds) >= 5 * RESTARTS
    assert load.failed == []


@pytest.mark.slow
def test_without_the_socket_requests_are_refused(production: Stack, tmp_path: Path) -> None:
    # So the test above can fail at all.
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
    unit = Unit("hubs-web", tmp_path, production.env)
    unit.stop()
    unit.argv = [*unit.argv[:-1], "--bind", f"{HOST}:{port}", unit.argv[-1]]
    unit.restart()
    try:
        unit.until_active()
        with Load(lambda: ask(port, "/"), threads=5, pause=0.1) as load:
            unit.systemctl_restart()
    finally:
        unit.close()
    assert [text for text in load.failed if "refused" in text]


@pytest.mark.slow
def test_a_restart_of_the_daemon_with_a_standby_loses_no_message(production: Stack, bus: Bus, tmp_path: Path) -> None:
    database: Database = production.database()
    sent: list[str] = []
    first, standby = Unit("hubs-hub", tmp_path, production.env), None
    production.services["hub"].stop()  # the only daemons are ours
    try:
        first.until_active()
        with Load(lambda: sent.append(bus.send(TOPIC, {"user": "nobody"})), threads=1, pause=0.01):
            for number in range(RESTARTS):
                (tmp_path / str(number)).mkdir()
                standby = Unit("hubs-hub-standby", tmp_path / str(number), production.env)
                standby.until_active()
                first.systemctl_restart()
                standby.close()
            time.sleep(1)
        deadline = time.monotonic() + PATIENCE
        while (lost := len(sent) - _stored(database, sent)) and time.monotonic() < deadline:
            time.sleep(0.5)
        print(f"\nhubs-hub: {len(sent)} messages, {lost} lost")
        assert len(sent) > 100 * RESTARTS
        assert lost == 0
    finally:
        first.close()
        if standby is not None:
            standby.close()
        production.services["hub"].restart()
        database.dispose()


def _stored(database: Database, ids: list[str]) -> int:
    with database.session() as session:
        count = 0
        for start in range(0, len(ids), 1000):
            chosen = StoredMessage.msg_id.in_(ids[start : start + 1000])
            count += session.scalar(select(func.count()).where(chosen)) or 0
        return count
