"""Bus to browser, on the real stack: messages per second, and latency with 1, 100 and 1,000 readers.

Run it with `make bench`. PostgreSQL, memcached, Redis, fedmsg-relay, fedmsg-hub and gunicorn are started for it on free
ports. Beside our throughput stands the limit: a consumer that does nothing, in the same fedmsg-hub behind the same
relay. Sender and all processes share the machine.
"""

import argparse
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func
from sqlalchemy import select as sql

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import push
from hubs.actions import people
from hubs.events import Stream as EventLog
from hubs.events import Tokens, hub_channel
from hubs.models import Hub, StoredMessage
from tests import services
from tests.sse import Stream
from tests.stack import ROOT, Bus, Stack, stack

PEOPLE = [f"bench{number:03d}" for number in range(200)]


def throughput(found: Stack, bus: Bus, count: int) -> float:
    """Return the messages per second from the first sent to the last stored and triaged."""
    database = found.database()

    def stored() -> int:
        with database.session() as session:
            return session.scalar(sql(func.count(StoredMessage.id))) or 0

    before, start = stored(), time.monotonic()
    for number in range(count):
        agent = PEOPLE[number % len(PEOPLE)]
        bus.send("io.pagure.prod.pagure.issue.new", {"agent": agent, "issue": {"title": f"Thing {number}"}})
        if number % 1000 == 999:  # ZeroMQ drops what overflows; nobody sends a hundred thousand at once
            while number + 1 - (stored() - before) > 4000:
                time.sleep(0.01)
    services.wait_for(lambda: stored() - before >= count, "the last message", 120)
    return count / (time.monotonic() - start)


def limit(found: Stack, bus: Bus, count: int) -> float:
    """Return the messages per second that fedmsg-hub hands to a consumer that does nothing."""
    told = found.folder / "noop"
    argv = [str(services.BIN / "fedmsg-hub"), "--with-consumers", "bench.noop:NoopConsumer"]
    env = {**found.env, "BENCH_NOOP": str(told), "PYTHONPATH": str(ROOT)}
    hub = services.Service(argv, found.folder, "noop", env, cwd=ROOT)
    while not told.exists():  # until it is connected
        bus.send("org.fedoraproject.dev.bench.end", {})
        time.sleep(0.2)
    told.unlink()
    start = time.monotonic()
    for number in range(count):
        bus.send("io.pagure.prod.pagure.issue.new", {"agent": "nobody", "issue": {"title": f"Thing {number}"}})
    bus.send("org.fedoraproject.dev.bench.end", {})
    services.wait_for(told.exists, "the last message", 60)
    took = time.monotonic() - start
    hub.kill()
    return count / took


def latency(found: Stack, bus: Bus, hub: Hub, readers: int, rounds: int) -> list[float]:
    """Return the milliseconds from publishing a message to each reader's receipt of the new fragment."""
    settings = found.settings
    token = Tokens(settings.key(), 3600).mint([hub_channel(hub.id, "public", "en")])
    cursor = EventLog(settings.redis_url).cursor()
    streams = [Stream(found.events, token, cursor) for _ in range(readers)]
    took: list[float] = []
    for number in range(rounds):
        time.sleep(1.25)  # a widget is built at most once a second; two rounds must not share a build
        start = time.monotonic()
        bus.send(
            "io.pagure.prod.pagure.issue.new", {"agent": hub.name, "issue": {"title": f"Round-{number}-{readers}-over"}}
        )
        took += _receipts(streams, f"Round-{number}-{readers}-over".encode(), start)
    for stream in streams:
        stream.close()
    return [1000 * seconds for seconds in took]


def _receipts(streams: list[Stream], mark: bytes, start: float) -> list[float]:
    """Return the seconds after ``start`` at which each stream had a fragment with ``mark`` in it."""
    poll = select.epoll()
    waiting = {stream.socket.fileno(): stream for stream in streams}
    seen = dict.fromkeys(waiting, b"")
    took = []
    for fd in waiting:
        poll.register(fd, select.EPOLLIN)
    while len(took) < len(streams) and time.monotonic() - start < 20:
        for fd, _ in poll.poll(1):
            seen[fd] += waiting[fd].socket.recv(262_144)
            if mark in seen[fd]:
                took.append(time.monotonic() - start)
                poll.unregister(fd)
    assert len(took) == len(streams), f"{len(took)} of {len(streams)} readers got it"
    return took


def prepare(found: Stack) -> Hub:
    """Make people with hubs, and return the hub that changes."""
    database = found.database()
    with database.transaction() as session:
        for username in PEOPLE:
            people.sign_up(session, found.registry, username)
    with database.session() as session:
        hub = session.scalars(sql(Hub).where(Hub.name == PEOPLE[0])).one()
        _ = hub.widgets
    return hub


def percentile(values: list[float], share: int) -> float:
    """Return the value below which ``share`` percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]


def run(found: Stack, count: int, rounds: int) -> None:
    """Measure and print; without ``count``, only what machines put into widgets."""
    hub = prepare(found)
    bus = found.bus()
    time.sleep(4)  # the sweep has put the new hubs into the index
    if not count:
        print_push(found, hub, rounds)
        bus.close()
        return
    print(f"messages stored and triaged per second   {throughput(found, bus, count):8.0f}   ({count} messages)")
    found.services["hub"].process.send_signal(signal.SIGSTOP)  # the limit is measured without us
    print(f"a consumer that does nothing, same hub      {limit(found, bus, count // 2):8.0f}", flush=True)
    found.services["hub"].process.send_signal(signal.SIGCONT)
    time.sleep(8)  # what it missed meanwhile is worked off
    print(f"{'readers':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'receipts':>9}")
    for readers in (1, 100, 1000):
        took = latency(found, bus, hub, readers, rounds)
        figures = " ".join(f"{percentile(took, share):8.1f}" for share in (50, 95, 99))
        print(f"{readers:>8} {figures} {len(took):>9}", flush=True)
    print_push(found, hub, rounds)
    rss = {name: _rss(service.process.pid) for name, service in found.services.items()}
    print("resident MB:", ", ".join(f"{name} {size:.0f}" for name, size in rss.items()))
    bus.close()


def print_push(found: Stack, hub: Hub, rounds: int) -> None:
    """Measure and print how soon a browser has what a machine puts into a widget."""
    took = push.latency(found, hub, rounds)
    figures = " ".join(f"{percentile(took, share):8.1f}" for share in (50, 95, 99))
    print(f"{'PUT':>8} {figures} {len(took):>9}   (from the request to the event; the aim is 300 at p95)", flush=True)


def _rss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages for the throughput; 0 for the PUTs alone")
    parser.add_argument("--rounds", type=int, default=20, help="rounds for each latency")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            services.postgresql() as (_, postgresql),
            services.memcached(folder) as (_, memcached),
            services.redis_server(folder) as (_, redis),
        ):
            urls = (
                f"postgresql+psycopg2://postgres@127.0.0.1:{postgresql}/postgres",
                f"memcached://127.0.0.1:{memcached}",
                f"redis://127.0.0.1:{redis}/0",
            )
            with stack(folder, *urls) as found:
                run(found, options.count, options.rounds)


if __name__ == "__main__":
    main()
