"""Real services for tests and benchmarks: started on free loopback ports, stopped by pid."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HOST = "127.0.0.1"
BIN = Path(sys.executable).parent
#: Seconds within which a service must start, or a condition become true, also on a loaded machine.
PATIENCE = 60.0


def _ports() -> Iterator[int]:
    """Yield ports in random order, below those of outgoing connections; each process of `-n` has its own range."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = 12_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    first = 20_000 + worker * count
    return itertools.cycle(random.SystemRandom().sample(range(first, first + count), count))


_PORTS = _ports()


def free_port() -> int:
    """Return a port that is not in use and that this process has not returned recently."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise AssertionError("unreachable")


def wait_for(ready: Callable[[], object], what: str, timeout: float = PATIENCE) -> object:
    """Return the first true result of ``ready``; fail with a message if there is none in time."""
    end = time.monotonic() + timeout
    while True:
        result = ready()
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not happen within {timeout:.0f} s"
        time.sleep(0.02)


def listens(port: int, address: str = HOST) -> bool:
    """Return whether a server listens on a port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, port)) == 0


def answers(url: str) -> bool:
    """Return whether a URL responds with status 200."""
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


class Service:
    """One process, its log and its port."""

    def __init__(self, argv: list[str], folder: Path, name: str, env: dict[str, str], cwd: Path | None = None) -> None:
        assert shutil.which(argv[0]), f"{argv[0]} is not installed: run tests/install-services"
        self.name, self.argv, self.env, self.cwd = name, argv, env, cwd
        self.ending = signal.SIGTERM
        self.path = folder / f"{name}.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.path.open("ab") as out:
            return subprocess.Popen(
                self.argv,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,  # a group of its own, for `end`
            )

    def ready(self, check: Callable[[], object], timeout: float = PATIENCE) -> "Service":
        """Wait until ``check`` is true; fail with the end of the log when the process ends or takes too long."""
        end = time.monotonic() + timeout
        while not check():
            ended = self.process.poll() is not None
            late = time.monotonic() > end
            assert not ended, f"{self.name} ended:\n{self.log()[-3000:]}"
            assert not late, f"{self.name} is not ready:\n{self.log()[-3000:]}"
            time.sleep(0.02)
        return self

    def log(self) -> str:
        """Return what the process wrote."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def restart(self) -> None:
        """Start the process again after `stop` or `kill`."""
        self.process = self._start()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait(10)

    def stop(self, timeout: float = 15) -> int:
        """End the process politely, or at once when it does not listen; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(self.ending)
        return self.ended(timeout)

    def ended(self, timeout: float = 15) -> int:
        """Wait for the end of the process, and bring it about when it takes too long; return its exit status."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.returncode


def end(services: Collection[Service]) -> None:
    """End several processes together: gunicorn with its workers at once, as politeness would take seconds."""
    for service in services:
        if service.process.poll() is None:
            service.process.send_signal(signal.SIGCONT)
            if "gunicorn" in service.argv[0]:
                os.killpg(service.process.pid, signal.SIGKILL)
            else:
                service.process.send_signal(service.ending)
    for service in services:
        service.ended()


def base_env() -> dict[str, str]:
    """Return the environment of this process without settings of Hubs."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUBS_")}
    return {**env, "LOGNAME": "hubs", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}


@contextlib.contextmanager
def memcached(folder: Path, *more: str) -> Iterator[tuple[Service, int]]:
    """Run a memcached; give it and its port."""
    port = free_port()
    argv = ["memcached", "-l", HOST, "-p", str(port), "-u", "root" if os.getuid() == 0 else "nobody", *more]
    service = Service(argv, folder, f"memcached-{port}", base_env())
    try:
        yield service.ready(lambda: listens(port)), port
    finally:
        service.stop()


@contextlib.contextmanager
def redis_server(folder: Path, address: str = "") -> Iterator[tuple[Service, int]]:
    """Run a Redis that keeps nothing on disk, also on ``address`` if given; give it and its port."""
    port = free_port()
    argv = [
        "redis-server",
        "--bind",
        *dict.fromkeys((HOST, address or HOST)),
        "--protected-mode",
        "no",
        "--port",
        str(port),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    service = Service(argv, folder, f"redis-{port}", base_env())
    try:
        yield service.ready(lambda: listens(port)), port
    finally:
        service.stop()


@contextlib.contextmanager
def postgresql(address: str = "") -> Iterator[tuple[Service, int]]:
    """Run a PostgreSQL cluster of its own, also on ``address`` if given; give it and its port.

    The role ``postgres`` needs no password.
    """
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert candidates, "PostgreSQL is not installed: run tests/install-services"
    programs, port = candidates[-1].parent, free_port()
    folder = Path(tempfile.mkdtemp(prefix="hubs-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    data = folder / "data"
    initdb = [*as_user, str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    addresses = HOST
    if address:
        addresses = f"{HOST},{address}"
        with (data / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")
    options = f"-p {port} -c listen_addresses={addresses} -c unix_socket_directories={folder} -c max_connections=300"
    # Nothing survives a test, and each has a database of its own, which would be cleaned up while it is dropped.
    options += " -c fsync=off -c full_page_writes=off -c autovacuum=off"
    argv = [*as_user, str(programs / "postgres"), "-D", str(data), *options.split()]
    logs = Path(tempfile.mkdtemp(prefix="hubs-pg-log-"))
    service = Service(argv, logs, "postgresql", base_env(), cwd=folder)
    service.ending = signal.SIGINT  # does not wait for those who are connected
    try:
        yield service.ready(lambda: "ready to accept connections" in service.log() and listens(port)), port
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(logs, ignore_errors=True)
