"""All processes of Hubs on real services, as in production, on free loopback ports."""

import contextlib
import json
import re
import shlex
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import redis
import zmq
from sqlalchemy import select

from hubs.actions import outbox
from hubs.backend.rebuild import leases
from hubs.bus import identity
from hubs.fragments import schedule
from hubs.models import Database, StoredMessage, migrations, now
from hubs.settings import Settings, load
from hubs.widgets.registry import Registry
from tests import services
from tests.services import BIN, HOST, Service, answers, base_env, end, free_port, listens, wait_for
from tests.upstream import NOBODY

ROOT = Path(__file__).parent.parent
APP = "hubs.backend.eventsource:application"
KEY = "only-for-tests-only-for-tests-only-for-tests"


class Bus:
    """Publishes on the bus by the relay, as other services do; also what no service would."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, 100_000)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(f"tcp://{host}:{port}")
        self._sent = 0

    def send(self, topic: str, msg: Any, **envelope: Any) -> str:
        """Publish a message; return its identity, which is its id without the year that fedmsg puts before it."""
        self._sent += 1
        message = {
            "topic": topic,
            "msg": msg,
            "msg_id": f"2026-{uuid.uuid4()}",
            "timestamp": time.time(),
            "i": self._sent,
            **envelope,
        }
        self.raw(topic.encode(), json.dumps(message).encode())
        return identity(str(message["msg_id"]))

    def raw(self, *frames: bytes) -> None:
        """Publish frames as they are."""
        self._socket.send_multipart(list(frames))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


@dataclass
class Stack:
    """The processes, their addresses, and ways to look into them."""

    settings: Settings
    env: dict[str, str]
    ports: dict[str, int]
    folder: Path
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the pages."""
        return self.settings.site_url

    @property
    def events(self) -> str:
        """The address of the stream."""
        return self.settings.stream_url

    @property
    def registry(self) -> Registry:
        """The widgets of the stack."""
        return Registry(self.settings.widgets, layouts=self.settings.layouts)

    def database(self) -> Database:
        """Return a connection of the test's own to the stack's database."""
        return Database(self.settings.database, info={"site_url": self.url})

    def bus(self) -> Bus:
        """Return a connection to the bus on which messages are known to reach the daemon."""
        bus = Bus(self.ports["inbound"])
        hub, database = self.services["hub"], self.database()

        def heard() -> bool:
            nonce = bus.send("org.fedoraproject.dev.tests.nonce", {"agent": "nobody"})
            time.sleep(0.1)
            with database.session() as session:
                return session.query(StoredMessage).filter_by(msg_id=nonce).count() == 1

        wait_for(heard, f"a message through relay and hub\n{hub.log()[-2000:]}")
        database.dispose()
        return bus

    def settle(self) -> None:
        """Wait until the daemon has acted on every change so far: it then knows all hubs and their widgets."""
        database = self.database()

        def settled() -> bool:
            with database.session() as session:
                return not outbox.unhandled(session, now())

        wait_for(settled, "the daemon to act on all changes")
        database.dispose()

    def wait_until_stored(self, *ids: str) -> None:
        """Wait until the messages with these ids are in the database."""
        database = self.database()

        def missing() -> set[str]:
            with database.session() as session:
                stored = session.scalars(select(StoredMessage.msg_id).where(StoredMessage.msg_id.in_(ids)))
                return set(ids).difference(stored)

        wait_for(lambda: not missing(), f"storing {len(ids)} messages\n{self.services['hub'].log()[-2000:]}")
        database.dispose()

    def wait_until_built(self, *widgets: int) -> None:
        """Wait until these widgets show every stored message, and no worker builds them: nothing begins after that."""
        with contextlib.closing(redis.Redis.from_url(self.settings.redis_url)) as client:

            def waiting() -> list[int]:
                requested = [number for number in widgets if client.exists(f"{leases.PREFIX}{number}")]
                return requested + [
                    number for number in widgets if client.zscore(schedule.KEY, f"m{number}") is not None
                ]

            wait_for(lambda: not waiting(), f"builds of {widgets}")

    def get(self, path: str) -> str:
        """Return a page as a visitor gets it."""
        with urlopen(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())


def command_of(unit: Path) -> list[str]:
    """Return a unit's ExecStart with the programs of this environment."""
    line = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert line is not None
    program, *rest = shlex.split(line[1])
    return [str(BIN / Path(program).name), *rest]


def _share_compiled_templates(folder: Path) -> None:
    """Let the processes in ``folder`` use what those of other stacks have compiled."""
    shared, own = Path(tempfile.gettempdir()) / "hubs-templates", folder / "templates"
    shared.mkdir(mode=0o700, exist_ok=True)
    if not own.exists():
        own.symlink_to(shared)


def environment(
    folder: Path, database_url: str, cache_url: str, redis_url: str, more: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, int]]:
    """Return the environment of the processes, and their ports."""
    ports = {name: free_port() for name in ("web", "stream", "inbound", "outbound")}
    _share_compiled_templates(folder)
    env = {
        **base_env(),
        **NOBODY,
        "HUBS_PRESET": "fedora",
        "HUBS_DATABASE_URL": database_url,
        "HUBS_CACHE_URL": cache_url,
        "HUBS_REDIS_URL": redis_url,
        "HUBS_DATA_DIR": str(folder),
        "HUBS_SECRET_KEY": KEY,
        "HUBS_SITE_URL": f"http://{HOST}:{ports['web']}",
        "HUBS_STREAM_URL": f"http://{HOST}:{ports['stream']}/events",
        "HUBS_LOCAL_LOGIN": "1",
        "HUBS_BUS_INBOUND": f"tcp://{HOST}:{ports['inbound']}",
        "HUBS_BUS_OUTBOUND": f"tcp://{HOST}:{ports['outbound']}",
        "HUBS_TRUST_BUS": "1",  # it is the test that speaks for the account system
        "HOME": str(folder),
        **more,
    }
    return env, ports


@contextlib.contextmanager
def stack(
    folder: Path, database_url: str, cache_url: str, redis_url: str, more: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Bring the database to the current schema, start all processes, give them, and stop them all."""
    env, ports = environment(folder, database_url, cache_url, redis_url, more or {})
    running = Stack(load(env), env, ports, folder)
    database = running.database()
    migrations.upgrade(database)
    database.dispose()
    try:
        _start(running)
        yield running
    finally:
        end(running.services.values())


@contextlib.contextmanager
def own_stack(folder: Path, database_url: str, more: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Run all processes on a memcached and a Redis of their own, whose ports are among the stack's.

    Widgets of two databases have the same numbers, and what is due for one stack another would build.
    """
    with services.memcached(folder) as (_, memcached), services.redis_server(folder) as (_, redis):
        addresses = database_url, f"memcached://{HOST}:{memcached}", f"redis://{HOST}:{redis}/0"
        with stack(folder, *addresses, more) as running:
            running.ports |= {"memcached": memcached, "redis": redis}
            yield running


def _start(stack: Stack) -> None:
    gunicorn = [str(BIN / "gunicorn"), "--no-control-socket", "--graceful-timeout", "3", "--worker-class"]

    def start(name: str, *argv: str) -> Service:
        stack.services[name] = Service([*argv], stack.folder, name, stack.env, cwd=ROOT)
        return stack.services[name]

    def bind(name: str) -> str:
        return f"{HOST}:{stack.ports[name]}"

    relay = start("relay", str(BIN / "fedmsg-relay"))
    hub = start("hub", str(BIN / "fedmsg-hub"), "--with-consumers", "hubs.backend.consumer:FedoraHubsConsumer")
    stream = start(
        "stream",
        *gunicorn,
        "hubs.backend.eventserver.gunicorn_worker.BufferedRequestWorker",
        "--threads",
        "8",
        "--bind",
        bind("stream"),
        APP,
    )
    shared = ["--config", "python:hubs.maintenance.gunicorn_web"]
    two = ["--workers", "2", "--threads", "4"]
    web = start("web", *gunicorn, "gthread", *shared, *two, "--bind", bind("web"), "hubs.wsgi:application")
    relay.ready(lambda: listens(stack.ports["inbound"]) and listens(stack.ports["outbound"]))
    hub.ready(lambda: "hubs.backend.consumer: ready" in hub.log())
    stream.ready(lambda: answers(f"http://{bind('stream')}/healthz"))
    web.ready(lambda: answers(f"{stack.url}/healthz"))
