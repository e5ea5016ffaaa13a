"""A complete Hubs on real services, and the means to break each part of it."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from pymemcache.client.base import Client
from sqlalchemy import Engine, create_engine, text

from tests import services
from tests.chaos.history import History
from tests.chaos.proxy import Proxy
from tests.services import HOST, Service, answers, listens, wait_for
from tests.stack import Stack, stack

READY = "hubs.backend.consumer: ready"
#: Settings of the processes: the history is read often, so that a round need not wait for minutes.
SETTINGS = {"HUBS_API_RATE": "100000", "HUBS_HISTORY_INTERVAL": "20"}


@dataclass
class System:
    """The processes by name, the proxies before the three stores, and a history service."""

    stack: Stack
    parts: dict[str, Service]
    ports: dict[str, int]
    proxies: dict[str, Proxy]
    history: History
    engine: Engine

    def kill(self, name: str) -> None:
        """Kill a part with all its processes, and wait until they are gone."""
        service = self.parts[name]
        if name == "postgresql":  # -9 would leave its shared memory and backends behind
            service.process.send_signal(signal.SIGQUIT)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(service.process.pid, signal.SIGKILL)
        service.ended(20)

    def stop(self, name: str) -> None:
        """Stop a part in an orderly way."""
        self.parts[name].stop()

    def start(self, name: str) -> None:
        """Start a part again and wait until it works."""
        service = self.parts[name]
        mark = len(service.log())
        service.restart()
        service.ready(lambda: self._is_ready(name, service.log()[mark:]))

    def freeze(self, name: str) -> None:
        """Stop all processes of a part without ending them."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen part run again."""
        self._signal(name, signal.SIGCONT)

    def thaw_all(self) -> None:
        """Undo `freeze` and the faults of all proxies, and start what is down."""
        for proxy in self.proxies.values():
            proxy.swallows, proxy.delay = False, 0.0
        self.history.is_available = True
        for name, service in self.parts.items():
            self.thaw(name)
            if service.process.poll() is not None:
                self.start(name)

    def flush_redis(self) -> None:
        """Delete everything in Redis."""
        with contextlib.closing(self.redis()) as client:
            client.flushall()

    def flush_memcached(self) -> None:
        """Delete everything in memcached."""
        with contextlib.closing(Client((HOST, self.ports["memcached"]), timeout=5)) as client:
            client.flush_all()

    def redis(self) -> redis.Redis:
        """Return a client that does not go through the proxy."""
        return redis.Redis(HOST, self.ports["redis"], socket_timeout=10)

    def sql(self, query: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query that does not go through the proxy."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def stored(self, ids: list[str]) -> int:
        """Return how many rows there are of messages with these ids."""
        return int(str(self.sql("select count(*) from messages where msg_id = any(:ids)", ids=ids)[0][0]))

    def wait_stored(self, ids: list[str], seconds: float) -> int:
        """Wait until all messages are stored, at most for some seconds; return how many are."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(Exception):  # the database may be down
                if self.stored(ids) >= len(ids):
                    break
            time.sleep(0.3)
        return self.stored(ids)

    def _is_ready(self, name: str, log: str) -> bool:
        if name == "hub":
            return READY in log
        if name == "relay":
            return listens(self.stack.ports["inbound"]) and listens(self.stack.ports["outbound"])
        if name == "web":
            return answers(f"{self.stack.url}/healthz")
        if name == "stream":
            return answers(f"http://{HOST}:{self.stack.ports['stream']}/healthz")
        return listens(self.ports[name]) and (name != "postgresql" or "ready to accept connections" in log)

    def _signal(self, name: str, number: int) -> None:
        pid = self.parts[name].process.pid
        # PostgreSQL's backends have process groups of their own.
        for process in [pid, *_children(pid)]:
            with contextlib.suppress(OSError):
                os.kill(process, number)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextlib.contextmanager
def running(folder: Path) -> Iterator[System]:
    """Run all services and processes with a database of their own."""
    with contextlib.ExitStack() as cleanup:
        postgres, postgres_port = cleanup.enter_context(services.postgresql())
        memcached, memcached_port = cleanup.enter_context(services.memcached(folder))
        redis_server, redis_port = cleanup.enter_context(services.redis_server(folder))
        ports = {"postgresql": postgres_port, "memcached": memcached_port, "redis": redis_port}
        proxies = {name: Proxy(port) for name, port in ports.items()}
        for proxy in proxies.values():
            cleanup.callback(proxy.close)
        history = History()
        cleanup.callback(history.close)
        _create_database(postgres_port)
        urls = (
            f"postgresql+psycopg2://postgres@{HOST}:{proxies['postgresql'].port}/chaos",
            f"memcached://{HOST}:{proxies['memcached'].port}",
            f"redis://{HOST}:{proxies['redis'].port}/0",
        )
        found = cleanup.enter_context(stack(folder, *urls, {**SETTINGS, "HUBS_HISTORY_URL": history.url}))
        engine = create_engine(
            f"postgresql+psycopg2://postgres@{HOST}:{postgres_port}/chaos",
            pool_pre_ping=True,
            connect_args={"connect_timeout": 2, "options": "-c statement_timeout=5000"},
        )
        cleanup.callback(engine.dispose)
        parts = {**found.services, "postgresql": postgres, "memcached": memcached, "redis": redis_server}
        system = System(found, parts, ports, proxies, history, engine)
        cleanup.callback(system.thaw_all)
        wait_for(lambda: READY in parts["hub"].log(), "the daemon to be ready")
        yield system


def _create_database(port: int) -> None:
    engine = create_engine(f"postgresql+psycopg2://postgres@{HOST}:{port}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE chaos"))
    engine.dispose()
