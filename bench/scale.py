"""What more processes of a kind cost: CPU seconds per request, per event to a reader and per message with 1, 2 and 4.

Every web application and event server is one gunicorn worker, every daemon a fedmsg-hub. PostgreSQL, memcached, Redis,
the relay, readers and sender share the machine; the time of the first three is printed beside that of our processes.
The last table is extrapolated from these figures.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import func, select

from bench.running import used
from hubs.actions.people import roles
from hubs.backend.heartbeat import TURN
from hubs.events.log import EventLog
from hubs.events.tokens import Tokens
from hubs.models import Database, StoredMessage, migrations
from hubs.settings import load
from tests import services
from tests.followers import Followers
from tests.services import BIN, HOST, Service, answers, free_port, listens, wait_for
from tests.stack import KEY, ROOT, Bus, Stack, command_of, environment
from tests.traffic import ask

SIZES = (1, 2, 4)
PEOPLE = [f"scale{number:02d}" for number in range(20)]
CHANNEL = "hub:1000000"
#: What a process costs whose readers only wait: heartbeats to them hardly count beside its own threads.
WAITING = "second of a waiting event server"
#: Seconds over which the cost of waiting readers is taken.
REST = 15.0
#: Messages a second, in groups of ten.
RATE = 200

#: Fedora's size, and what is assumed about it: peaks, and how often somebody with an open page loads one or gets an
#: event.
MESSAGES_A_DAY, OPEN_PAGES, PEAK = 2_000_000, 20_000, 5
SECONDS_BETWEEN_LOADS, SECONDS_BETWEEN_EVENTS = 300, 60


@dataclass
class Cost:
    """CPU seconds of our processes and of the services, for ``count`` requests, reader-seconds, events or messages."""

    what: str
    processes: int
    count: float
    ours: float
    others: float

    @property
    def each(self) -> float:
        """The CPU seconds of our processes for each."""
        return self.ours / self.count


def _works(kind: str, service: Service, port: int) -> bool:
    if kind == "hub":
        return "hubs.backend.consumer: ready" in service.log()
    return answers(f"http://{HOST}:{port}/healthz")


@dataclass
class Machine:
    """The services, and the processes of each kind that run so far."""

    stack: Stack
    others: list[Service]
    exits: ExitStack
    kinds: dict[str, list[tuple[Service, int]]] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)

    def scale(self, kind: str, count: int) -> list[Service]:
        """Start processes of a kind until there are ``count``; return them."""
        running = self.kinds.setdefault(kind, [])
        started = [self._start(kind, number) for number in range(len(running), count)]
        running += started
        for service, port in started:
            service.ready(partial(_works, kind, service, port), 180)
        # Until the relay knows a new daemon, and the daemons know which of them comes first.
        time.sleep(2 + TURN if kind == "hub" else 2)
        return [service for service, _ in running]

    def ports(self, kind: str) -> list[int]:
        """Return where the processes of a kind listen."""
        return [port for _, port in self.kinds[kind]]

    def _start(self, kind: str, number: int) -> tuple[Service, int]:
        port, argv = free_port(), command_of(ROOT / "deploy" / "systemd" / f"hubs-{kind}.service")
        if kind != "hub":
            argv[argv.index("--bind") + 1] = f"{HOST}:{port}"
            argv[argv.index("--workers") + 1] = "1"
        service = Service(argv, self.stack.folder, f"{kind}{number}", self.stack.env, cwd=ROOT)
        self.exits.callback(service.stop)
        return service, port

    @contextmanager
    def measured(self, what: str, processes: list[Service], count: float) -> Iterator[None]:
        """Take what the block costs."""
        before, others = used(processes), used(self.others)
        yield
        ours = used(processes) - before
        self.costs.append(Cost(what, len(processes), count, ours, used(self.others) - others))


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Run the services and the relay, with hubs of some people in the database."""
    with ExitStack() as exits:
        postgresql, database_port = exits.enter_context(services.postgresql())
        memcached, cache_port = exits.enter_context(services.memcached(folder))
        redis, redis_port = exits.enter_context(services.redis_server(folder))
        url = f"postgresql+psycopg2://postgres@{HOST}:{database_port}/postgres"
        addresses = url, f"memcached://{HOST}:{cache_port}", f"redis://{HOST}:{redis_port}/0"
        env, ports = environment(folder, *addresses, {})
        stack = Stack(load(env), env, ports, folder)
        database = stack.database()
        migrations.upgrade(database)
        with database.transaction() as session:
            for name in PEOPLE:
                roles.sign_up(session, stack.registry, name)
        database.dispose()
        relay = Service([str(BIN / "fedmsg-relay")], folder, "relay", env, cwd=ROOT)
        exits.callback(relay.stop)
        relay.ready(lambda: listens(ports["inbound"]))
        yield Machine(stack, [postgresql, memcached, redis], exits)


def read_pages(ports: list[int], count: int) -> None:
    """Request ``count`` pages of people, from each process in turn, each on a new connection."""
    for number in range(count):
        ask(f"http://{HOST}:{ports[number % len(ports)]}/u/{PEOPLE[number // len(ports) % len(PEOPLE)]}/")


def measure_web(machine: Machine, count: int, requests: int) -> None:
    """Measure requests of pages."""
    processes = machine.scale("web", count)
    read_pages(machine.ports("web"), 3 * count * len(PEOPLE))  # each process has built and cached them
    with machine.measured("page, as a visitor", processes, requests):
        read_pages(machine.ports("web"), requests)


def measure_readers(machine: Machine, count: int, readers: int, events: int) -> None:
    """Measure open streams, and events to them."""
    processes, log = machine.scale("eventsource", count), EventLog(machine.stack.settings.redis_url, 10 * events)
    token = Tokens(KEY.encode(), 3600).mint([CHANNEL])
    with ExitStack() as exits:
        herds: list[Followers] = [
            exits.enter_context(Followers(f"http://{HOST}:{port}/events", readers // count, token, log.cursor()))
            for port in machine.ports("eventsource")
        ]
        for herd in herds:
            herd.wait_connected(120)
        time.sleep(1)
        with machine.measured(WAITING, processes, count * REST):
            time.sleep(REST)
        with machine.measured("event to a reader", processes, readers * events):
            for _ in range(events):
                log.publish(CHANNEL, "notice", {"text": "x" * 1000})
                time.sleep(0.05)
            wait_for(lambda: _heard(herds, events), "all events")
    log.client.close()


def _heard(herds: list[Followers], events: int) -> bool:
    return all(len(heard) == events for herd in herds for heard in herd.heard)


def measure_daemons(machine: Machine, count: int, messages: int, bus: Bus) -> None:
    """Measure messages that each touch the widgets of one hub."""
    processes, database = machine.scale("hub", count), machine.stack.database()
    _send(machine, bus, database, 200)
    with machine.measured("message", processes, messages):
        _send(machine, bus, database, messages)
        time.sleep(5)  # the last builds
    database.dispose()


def _send(machine: Machine, bus: Bus, database: Database, count: int) -> None:
    before = _rows(database)
    for number in range(count):
        body = {"agent": PEOPLE[number % len(PEOPLE)], "issue": {"title": f"Issue {number}", "id": number}}
        bus.send("io.pagure.prod.pagure.issue.new", body)
        if number % 10 == 9:
            time.sleep(10 / RATE)
    wait_for(lambda: _rows(database) == before + count, "all messages to be stored", 180)


def _rows(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(StoredMessage)) or 0


def table(costs: list[Cost]) -> str:
    """Return the figures as a table."""
    lines = [
        "| what | processes | count | ours, µs each | PostgreSQL, memcached, Redis, µs each |",
        "|---|--:|--:|--:|--:|",
    ]
    for cost in sorted(costs, key=lambda cost: cost.what):
        each = f"{1e6 * cost.each:,.1f} | {1e6 * cost.others / cost.count:,.1f}"
        lines.append(f"| {cost.what} | {cost.processes} | {cost.count:,.0f} | {each} |")
    return "\n".join(lines)


def capacity(costs: list[Cost]) -> str:
    """Return the extrapolated need of an instance of Fedora's size."""
    rates = {
        "message": PEAK * MESSAGES_A_DAY / 86_400,
        "page, as a visitor": OPEN_PAGES / SECONDS_BETWEEN_LOADS,
        WAITING: 1.0,  # of each process
        "event to a reader": OPEN_PAGES / SECONDS_BETWEEN_EVENTS,
    }
    lines = [
        "| extrapolated | per second | cores, 1 process | 2 | 4 | cores of the services |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for what, rate in rates.items():
        chosen = {cost.processes: cost for cost in costs if cost.what == what}
        cores = " | ".join(f"{rate * chosen[size].each * (size if what == WAITING else 1):.3f}" for size in SIZES)
        others = max(cost.others / cost.count for cost in chosen.values())
        lines.append(f"| {what} | {rate:,.0f} | {cores} | {rate * others:.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all kinds with each number of processes and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="pages that are requested")
    parser.add_argument("--readers", type=int, default=400, help="open streams, over all event servers")
    parser.add_argument("--events", type=int, default=100, help="events, which every reader gets")
    parser.add_argument("--messages", type=int, default=2000, help="messages that are sent")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
        bus = Bus(running.stack.ports["inbound"])
        for size in SIZES:
            measure_web(running, size, options.requests)
            measure_readers(running, size, options.readers, options.events)
            measure_daemons(running, size, options.messages, bus)
            print(f"{size} of each measured", file=sys.stderr)
        bus.close()
    print(table(running.costs))
    print(f"\nExtrapolated: 100,000 people, 5,000 teams, {MESSAGES_A_DAY:,} messages a day, {OPEN_PAGES:,} open pages;")
    print(f"assumed: messages at {PEAK} times their mean, per open page a page every {SECONDS_BETWEEN_LOADS} s")
    print(f"and an event every {SECONDS_BETWEEN_EVENTS} s.\n")
    print(capacity(running.costs))


if __name__ == "__main__":
    main()
