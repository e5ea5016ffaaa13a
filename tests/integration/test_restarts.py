"""Each unit is restarted as docs/operate.md says, under load: nothing is refused, nothing is lost, and nobody waits."""

import contextlib
import re
import shlex
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.load import Load, percentile
from tests.services import HOST, Service
from tests.stack import ROOT, Bus, Stack, command_of
from tests.traffic import PATIENCE, Rates, Traffic, ask, eventually_none

pytestmark = pytest.mark.slow

SYSTEMD = ROOT / "deploy" / "systemd"
RESTARTS = 10
RATES = Rates(requests=50, messages=100, events=2, streams=100)
#: Seconds in which the load runs before the first restart, to compare with; and between two restarts.
BEFORE, BETWEEN = 10.0, 1.0
LATER = float("inf")
#: Seconds that a request may take at p99; more only where it takes as long without a restart.
SLOW = 1.0


class Unit(Service):
    """A unit's own command, with a notification socket and, if ``listener`` is given, a socket as systemd passes it."""

    def __init__(self, name: str, folder: Path, env: dict[str, str], listener: socket.socket | None = None) -> None:
        self._listener = listener
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # Not in the folder of the test: the path of a socket has at most 107 characters.
        path = Path(tempfile.mkdtemp(prefix="hubs-notify-")) / "socket"
        self._notify.bind(str(path))
        self._active = threading.Event()
        threading.Thread(target=self._read_notifications, daemon=True).start()
        unit = SYSTEMD / f"{name}.service"
        # systemd passes only the sockets of a unit's own name, unless the unit names others.
        (owner,) = re.findall(r"^Sockets=(\S+)\.socket$", unit.read_text(), re.MULTILINE) or [name]
        assert listener is None or (SYSTEMD / f"{owner}.socket").exists(), f"{name} gets no socket"
        super().__init__(command_of(unit), folder, name, {**env, "NOTIFY_SOCKET": str(path)}, cwd=ROOT)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._listener is None:
            return super()._start()
        number = self._listener.fileno()
        # systemd passes the first socket as descriptor 3, to the process whose id it names.
        script = f"exec 3<&{number}; export LISTEN_PID=$$ LISTEN_FDS=1; exec {shlex.join(self.argv)}"
        with self.path.open("ab") as out:
            return subprocess.Popen(
                ["bash", "-c", script],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
                pass_fds=[number],
            )

    def _read_notifications(self) -> None:
        """Read all the time, as systemd does: the kernel keeps ten, and then the process would have to wait."""
        with contextlib.suppress(OSError):  # closed
            while state := self._notify.recv(400):
                if state.startswith(b"READY=1"):
                    self._active.set()

    def until_active(self) -> None:
        """Wait for READY, as `systemctl start` does."""
        assert self._active.wait(PATIENCE), f"{self.name} is not active:\n{self.log()[-2000:]}"

    def systemctl_restart(self) -> None:
        """Do what `systemctl restart` does."""
        assert self.stop(20) == 0, f"{self.name} did not end by itself"
        self._active.clear()
        self.restart()
        self.until_active()

    def close(self) -> None:
        """End the process."""
        self.stop(20)
        self._notify.shutdown(socket.SHUT_RD)  # ends the thread
        self._notify.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Give a listening socket, as the socket units describe it."""
    with socket.create_server((HOST, 0), backlog=4096) as server:
        yield server


def restart(unit: Unit, folder: Path, listener: socket.socket | None) -> None:
    """Restart a unit with its standby, as docs/operate.md says."""
    standby = Unit(f"{unit.name}-standby", folder, unit.env, listener)
    try:
        standby.until_active()
        unit.systemctl_restart()
    finally:
        standby.close()


@pytest.mark.parametrize("name", ["hubs-web", "hubs-eventsource", "hubs-hub"])
def test_restarts_under_load_refuse_and_lose_nothing(
    name: str, production: Stack, bus: Bus, listener: socket.socket, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    port, passed = listener.getsockname()[1], None if name == "hubs-hub" else listener
    if name == "hubs-hub":
        production.services["hub"].stop()  # the only daemons are ours
    unit = Unit(name, tmp_path, production.env, passed)
    web = f"http://{HOST}:{port}/" if name == "hubs-web" else production.url
    events = f"http://{HOST}:{port}/events" if name == "hubs-eventsource" else production.events
    try:
        unit.until_active()
        with Traffic(production, bus, RATES, web, events) as traffic:
            with traffic.running():
                time.sleep(BEFORE)
                first = time.monotonic()
                for _ in range(RESTARTS):
                    restart(unit, tmp_path, passed)
                    time.sleep(BETWEEN)
            lost, deaf = eventually_none(traffic.lost), eventually_none(traffic.deaf)
    finally:
        unit.close()
        if name == "hubs-hub":
            production.services["hub"].restart()
    failed, refused = traffic.failures(), traffic.streams.refused
    quiet, slow = (
        percentile(traffic.requests.seconds(since, until), 0.99) for since, until in ((0.0, first), (first, LATER))
    )
    tell(
        f"{RESTARTS} restarts, {len(traffic.requests.calls)} requests, {len(failed)} failed, p99 {slow:.2f} s"
        f" ({quiet:.2f} s before the first restart); {len(traffic.sent)} messages, {lost} lost;"
        f" {RATES.streams} streams, {refused} refused, {deaf} with a gap,"
        f" events after {percentile(traffic.delays(), 0.99):.2f} s at p99"
    )
    assert len(traffic.sent) > RATES.messages * BEFORE
    assert (failed, lost, refused, deaf) == ([], 0, 0, 0)
    assert slow <= max(SLOW, 3 * quiet)


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
        with Load(lambda: ask(f"http://{HOST}:{port}/"), RATES.requests, threads=10) as load:
            unit.systemctl_restart()
    finally:
        unit.close()
    assert [text for text in load.failed if "refused" in text]
