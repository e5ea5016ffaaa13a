"""Each unit is restarted as docs/operate.md says, under load: nothing is refused, nothing is lost, and nobody waits."""

import contextlib
import http.client
import re
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hubs.events.log import EventLog
from hubs.events.tokens import Tokens
from hubs.models import Database, StoredMessage
from tests.followers import Followers
from tests.load import Load, percentile
from tests.services import HOST, Service
from tests.stack import KEY, ROOT, Bus, Stack, command_of

pytestmark = pytest.mark.slow

SYSTEMD = ROOT / "deploy" / "systemd"
RESTARTS = 10
#: Requests, messages and events a second; open streams.
REQUESTS, MESSAGES, EVENTS, STREAMS = 50, 100, 2, 100
#: Seconds in which the load runs before the first restart, to compare with; and between two restarts.
BEFORE, BETWEEN = 10.0, 1.0
LATER = float("inf")
#: Seconds that a request may take at p99; more only where it takes as long without a restart.
SLOW = 1.0
#: Seconds for a start, and for what is still under way at the end.
PATIENCE = 120
TOPIC = "org.fedoraproject.dev.wiki.article.edit"


class Unit(Service):
    """A unit's own command, with a notification socket and, if ``listener`` is given, a socket as systemd passes it."""

    def __init__(self, name: str, folder: Path, env: dict[str, str], listener: socket.socket | None = None) -> None:
        self._listener = listener
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = folder / f"{name}.notify"
        path.unlink(missing_ok=True)
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


def ask(port: int, path: str = "/") -> None:
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


class Traffic:
    """Requests, messages and streams, all at once."""

    def __init__(self, stack: Stack, bus: Bus, web: int, events: str) -> None:
        self._log = EventLog(stack.settings.redis_url, 1000)
        self._database: Database = stack.database()
        token = Tokens(KEY.encode(), 3600).mint(["hub:1"])
        self.streams = Followers(events, STREAMS, token, self._log.cursor())
        #: The ids of the messages; when each event was published on the monotonic clock, by its id.
        self.sent: list[str] = []
        self.published: dict[str, float] = {}
        self.requests = Load(lambda: ask(web), REQUESTS, threads=100)
        self._loads = (
            self.requests,
            Load(lambda: self.sent.append(bus.send(TOPIC, {"user": "nobody"})), MESSAGES, threads=1),
            Load(self._publish, EVENTS, threads=1),
        )

    def _publish(self) -> None:
        moment = time.monotonic()
        self.published[self._log.publish("hub:1", "notice", {}) or "not logged"] = moment

    def __enter__(self) -> "Traffic":
        self.streams.__enter__()
        self.streams.wait_connected(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.streams.__exit__()
        self._log.client.close()
        self._database.dispose()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Send; the streams stay open afterwards, for what is still under way."""
        with contextlib.ExitStack() as exits:
            for load in self._loads:
                exits.enter_context(load)
            yield

    def failures(self) -> list[str]:
        """Return what the loads raised."""
        return [text for load in self._loads for text in load.failed]

    def lost(self) -> int:
        """Return how many messages are not stored."""
        with self._database.session() as session:
            stored = 0
            for start in range(0, len(self.sent), 1000):
                chosen = StoredMessage.msg_id.in_(self.sent[start : start + 1000])
                stored += session.scalar(select(func.count()).where(chosen)) or 0
            return len(self.sent) - stored

    def deaf(self) -> int:
        """Return how many readers did not hear every event once and in its order."""
        return sum([name for name, _ in heard] != list(self.published) for heard in self.streams.heard)

    def delays(self) -> list[float]:
        """Return the seconds from the publication of each event to each of its readers."""
        return [at - self.published[name] for heard in self.streams.heard for name, at in heard]


def eventually_none(count: Callable[[], int]) -> int:
    """Return 0 once ``count`` does, or its last result."""
    deadline = time.monotonic() + PATIENCE
    while (number := count()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return number


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
    web = port if name == "hubs-web" else production.ports["web"]
    events = f"http://{HOST}:{port}/events" if name == "hubs-eventsource" else production.events
    try:
        unit.until_active()
        with Traffic(production, bus, web, events) as traffic:
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
        f" ({quiet:.2f} s before the first restart); {len(traffic.sent)} messages, {lost} lost; {STREAMS} streams,"
        f" {refused} refused, {deaf} with a gap, events after {percentile(traffic.delays(), 0.99):.2f} s at p99"
    )
    assert len(traffic.sent) > MESSAGES * BEFORE
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
        with Load(lambda: ask(port), REQUESTS, threads=10) as load:
            unit.systemctl_restart()
    finally:
        unit.close()
    assert [text for text in load.failed if "refused" in text]
