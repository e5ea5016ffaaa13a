"""Two of each process on hosts of their own, behind the load balancer of docs/scale.md: one of each kind is killed.

This host has PostgreSQL, memcached, Redis and the relay; `front` has nginx; `one` and `two` have a web application, an
event server, a daemon and a worker each.
"""

import os
import re
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from hubs.actions.people import roles
from hubs.models import Hub, StoredMessage, migrations
from hubs.settings import load
from tests import hosts, services
from tests.followers import Followers
from tests.hosts import Host
from tests.load import percentile
from tests.nginx import Front, configure
from tests.services import BIN, HOST, Service, answers, base_env, listens, wait_for
from tests.stack import ROOT, Bus, Stack, command_of, environment
from tests.traffic import PATIENCE, Rates, Traffic, eventually_none

pytestmark = pytest.mark.slow

RATES = Rates(requests=10, messages=10, events=2, streams=10)
KINDS = ("web", "eventsource", "hub", "worker")
#: Seconds for which the other process is alone, and after the return of the killed one.
ALONE, TOGETHER = 6.0, 3.0
NAMES = [f"scaled{number}" for number in range(5)]
#: No hub has this number, so that only the test publishes here.
CHANNEL = "hub:1000000"
WEB, EVENTS, FRONT = 8000, 8001, 8080


class FrontFollowers(Followers):
    """Readers that need no chunks decoded, and whose connection nginx closes after an error."""

    def request_from(self, cursor: str) -> bytes:
        """Ask as before, but by HTTP/1.0."""
        return super().request_from(cursor).replace(b"HTTP/1.1", b"HTTP/1.0", 1)


@dataclass
class Site:
    """The hosts and what runs on them."""

    stack: Stack
    here: Host
    hosts: dict[str, Host]
    folder: Path
    running: dict[tuple[str, str], Service] = field(default_factory=dict)
    hubs: list[int] = field(default_factory=list)

    def start(self, host: str, kind: str) -> Service:
        """Start a unit's command on a host."""
        argv = command_of(ROOT / "deploy" / "systemd" / f"hubs-{kind}.service")
        own = self.hosts[host]
        changed = {f"{HOST}:{port}": f"{own.address}:{port}" for port in (WEB, EVENTS)}
        argv = [changed.get(word, word) for word in argv]
        if "--workers" in argv:
            argv[argv.index("--workers") + 1] = "1"  # four would only take longer to start
        service = Service(own.argv(*argv), self.folder, f"{kind}-{host}", self.stack.env, cwd=ROOT)
        self.running[host, kind] = service
        return service

    def wait(self, host: str, kind: str) -> None:
        """Wait until a process works."""
        service, address = self.running[host, kind], self.hosts[host].address
        checks: dict[str, Callable[[], object]] = {
            "web": lambda: answers(f"http://{address}:{WEB}/healthz"),
            "eventsource": lambda: answers(f"http://{address}:{EVENTS}/healthz"),
            "hub": lambda: "hubs.backend.consumer: ready" in service.log(),
            "worker": lambda: "hubs.backend.worker: ready" in service.log(),
        }
        service.ready(checks[kind], PATIENCE)

    def kill(self, host: str, kind: str) -> None:
        """End a process and its children at once."""
        service = self.running[host, kind]
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait(10)

    def end(self) -> None:
        """End all processes."""
        for (host, kind), service in self.running.items():
            if service.process.poll() is None:
                self.kill(host, kind)

    def restart(self, host: str, kind: str) -> None:
        """Start a killed process again."""
        self.running[host, kind].path.write_text("")
        self.running[host, kind].restart()
        self.wait(host, kind)

    def stored(self, msg_id: str) -> bool:
        """Return whether a message is in the database."""
        database = self.stack.database()
        with database.session() as session:
            number = session.scalar(select(StoredMessage.id).where(StoredMessage.msg_id == msg_id))
        database.dispose()
        return number is not None


def recipe() -> str:
    """Return the upstreams that docs/scale.md gives."""
    (text,) = re.findall(r"^```nginx\n(.*?)^```$", (ROOT / "docs" / "scale.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.fixture
def places(tell: Callable[[str], None]) -> Iterator[tuple[Host, dict[str, Host]]]:
    """Give this host and the others."""
    separate = hosts.namespaces_allowed()
    if not separate:
        warnings.warn("NO NETWORK NAMESPACES HERE: loopback addresses stand for hosts", stacklevel=1)
        tell("NO NETWORK NAMESPACES HERE: loopback addresses stand for hosts")
    with (hosts.separate if separate else hosts.addresses)(["front", "one", "two"]) as places:
        yield places


@pytest.fixture
def site(places: tuple[Host, dict[str, Host]], tmp_path: Path) -> Iterator[Site]:
    """Give everything, running."""
    here, others = places
    with ExitStack() as exits:
        _, postgresql = exits.enter_context(services.postgresql(here.address))
        _, memcached = exits.enter_context(services.memcached(tmp_path, "-l", here.address))
        _, redis = exits.enter_context(services.redis_server(tmp_path, here.address))
        urls = (
            f"postgresql+psycopg2://postgres@{here.address}:{postgresql}/postgres",
            f"memcached://{here.address}:{memcached}",
            f"redis://{here.address}:{redis}/0",
        )
        site = Site(_stack(tmp_path, urls, here, others["front"]), here, others, tmp_path)
        exits.callback(site.end)
        _prepare(site)
        _start(site, memcached)
        yield site


def _stack(folder: Path, urls: tuple[str, str, str], here: Host, front: Host) -> Stack:
    env, ports = environment(folder, *urls, {"HUBS_REBUILD": "celery", "HUBS_REBUILD_THREADS": "1"})
    url = f"http://{front.address}:{FRONT}"
    env |= {"HUBS_SITE_URL": url, "HUBS_STREAM_URL": f"{url}/events", "HUBS_LOCAL_LOGIN": "0"}
    for name in ("inbound", "outbound"):
        env[f"HUBS_BUS_{name.upper()}"] = f"tcp://{here.address}:{ports[name]}"
    return Stack(load(env), env, ports, folder)


def _prepare(site: Site) -> None:
    """Make the schema and hubs of some people, which the daemons know from their start."""
    database = site.stack.database()
    migrations.upgrade(database)
    with database.transaction() as session:
        users = [roles.sign_up(session, site.stack.registry, name) for name in NAMES]
        made = session.scalars(select(Hub).where(Hub.user_id.in_([user.id for user in users]))).all()
        site.hubs = [next(row.id for row in hub.widgets if row.plugin == "feed") for hub in made]
    database.dispose()


def _start(site: Site, memcached: int) -> None:
    relay = Service([str(BIN / "fedmsg-relay")], site.folder, "relay", site.stack.env, cwd=ROOT)
    site.running["here", "relay"] = relay
    relay.ready(lambda: listens(site.stack.ports["inbound"], site.here.address))
    for host in ("one", "two"):
        for kind in KINDS:
            site.start(host, kind)
    upstreams = recipe().replace("10.0.0.20:11211", f"{site.here.address}:{memcached}")
    for host, shown in (("one", "10.0.0.11"), ("two", "10.0.0.12")):
        upstreams = upstreams.replace(shown, site.hosts[host].address)
    assert "10.0.0" not in upstreams
    front = site.hosts["front"]
    path = configure(site.folder, upstreams, Front(FRONT, 8081, 8082), host=front.address)
    nginx = front.argv("nginx", "-p", str(site.folder), "-c", str(path))
    site.running["front", "nginx"] = Service(nginx, site.folder, "nginx", base_env())
    for host in ("one", "two"):
        for kind in KINDS:
            site.wait(host, kind)


@pytest.fixture
def bus(site: Site) -> Iterator[Bus]:
    """Give a connection to the relay once each daemon hears it."""
    bus = Bus(site.stack.ports["inbound"], site.here.address)
    for host, other in (("one", "two"), ("two", "one")):
        stopped = site.running[other, "hub"].process
        stopped.send_signal(signal.SIGSTOP)

        def heard() -> bool:
            nonce = bus.send("org.fedoraproject.dev.tests.nonce", {"agent": "nobody"})
            time.sleep(0.1)
            return site.stored(nonce)

        wait_for(heard, f"a message to reach the daemon of {host}")
        stopped.send_signal(signal.SIGCONT)
    yield bus
    bus.close()


def say(bus: Bus, number: int) -> str:
    """Send a message that one of the hubs shows."""
    body = {"agent": NAMES[number % len(NAMES)], "issue": {"title": f"Issue {number} of many", "id": number}}
    return bus.send("io.pagure.prod.pagure.issue.new", body)


def kill_one_of_each(site: Site, traffic: Traffic) -> list[str]:
    """Kill each kind of process in turn; return how the front fared meanwhile."""
    lines = []
    for kind in KINDS:
        since, failed = time.monotonic(), len(traffic.failures())
        site.kill("one", kind)
        time.sleep(ALONE)
        site.restart("one", kind)
        time.sleep(TOGETHER)
        slow = percentile(traffic.requests.seconds(since), 0.99)
        lines.append(f"{kind}: {len(traffic.failures()) - failed} failed, p99 {slow:.2f} s")
    return lines


def shown(site: Site, sent: int) -> bool:
    """Return whether each hub shows its newest message."""
    last = [max(range(place, sent, len(NAMES))) for place in range(len(NAMES))]
    return all(
        f"Issue {number} of many" in site.stack.get(f"/w/{widget}/fragment")
        for number, widget in zip(last, site.hubs, strict=True)
    )


def test_one_of_each_kind_is_killed_and_nothing_fails(site: Site, bus: Bus, tell: Callable[[str], None]) -> None:
    url = site.stack.url
    site.stack.get("/")
    with Traffic(
        site.stack, bus, RATES, f"{url}/", f"{url}/events", followers=FrontFollowers, send=say, channel=CHANNEL
    ) as traffic:
        with traffic.running():
            time.sleep(TOGETHER)
            lines = kill_one_of_each(site, traffic)
        lost, deaf = eventually_none(traffic.lost), eventually_none(traffic.deaf)
        wait_for(lambda: shown(site, len(traffic.sent)), "the newest message on each hub", PATIENCE)
        sent, people = len(traffic.sent), traffic.people()
    failed, refused = traffic.failures(), traffic.streams.refused
    tell(
        f"{len(traffic.requests.calls)} requests, {len(failed)} failed; {sent} messages, {lost} lost;"
        f" {len(traffic.published)} events to {RATES.streams} streams, {refused} refused, {deaf} with a gap;"
        f" killed {'; '.join(lines)}"
    )
    assert sent > RATES.messages * len(KINDS) * ALONE
    assert (failed[:3], lost, refused, deaf) == ([], 0, 0, 0)
    assert people == sent
