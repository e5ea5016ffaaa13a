"""Bus to browser, on the real stack: messages per second, and latency with 1, 100 and 1,000 readers.

Run it with `make bench`. PostgreSQL, memcached, Redis, fedmsg-relay, fedmsg-hub and gunicorn are started for it on free
ports. Beside our throughput stands the limit: a consumer that does nothing, in the same fedmsg-hub behind the same
relay. Sender and all processes share the machine.
"""

import argparse
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select as sql

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import push
from bench.flood import RATE, limit, soak, throughput
from bench.running import addresses, percentile, resident, used
from bench.triage import corpus
from hubs.actions.people import roles
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub
from tests.sse import Stream
from tests.stack import Bus, Stack, stack

#: Rounds that do not count: the first compile templates, and wait for the builds of the new hubs.
WARM = 3
#: Processes that keep the machine busy, one for each processor of the reference machine.
HOGS = 2
PEOPLE = [f"bench{number:03d}" for number in range(200)]


def latency(running: Stack, bus: Bus, hub: Hub, readers: int, rounds: int) -> list[float]:
    """Return the milliseconds from publishing a message to each reader's receipt of the new fragment."""
    settings = running.settings
    token = Tokens(settings.key(), 3600).mint([hub_channel(hub.id, "public", "en")])
    cursor = EventLog(settings.redis_url).cursor()
    streams = [Stream(running.events, token, cursor) for _ in range(readers)]
    took: list[float] = []
    for number in range(rounds):
        time.sleep(1.25)  # a widget is built at most once a second; two rounds must not share a build
        start = time.monotonic()
        bus.send(
            "io.pagure.prod.pagure.issue.new", {"agent": hub.name, "issue": {"title": f"Round-{number}-{readers}-over"}}
        )
        took += receipts(streams, f"Round-{number}-{readers}-over".encode(), start)
    for stream in streams:
        stream.close()
    return [1000 * seconds for seconds in took]


def receipts(streams: list[Stream], mark: bytes, start: float) -> list[float]:
    """Return the seconds after ``start`` at which each stream had a fragment with ``mark`` in it."""
    poll = select.epoll()
    waiting = {stream.socket.fileno(): stream for stream in streams}
    seen = dict.fromkeys(waiting, b"")
    took: list[float] = []
    buffer = bytearray(262_144)  # shared: allocating one per reader took as long as everything else here
    for fd in waiting:
        poll.register(fd, select.EPOLLIN)
    while len(took) < len(streams) and time.monotonic() - start < 20:
        for fd, _ in poll.poll(1):
            seen[fd] += buffer[: waiting[fd].socket.recv_into(buffer)]
            if mark in seen[fd]:
                took.append(time.monotonic() - start)
                poll.unregister(fd)
    assert len(took) == len(streams), f"{len(took)} of {len(streams)} readers got it"
    return took


def prepare(running: Stack) -> Hub:
    """Make people with hubs, and return the hub that changes."""
    database = running.database()
    with database.transaction() as session:
        extract = fedmsg_meta_extractor({})
        named = {username for message in corpus() for username in extract(message).users}
        for username in [*PEOPLE, *sorted(named)]:
            roles.sign_up(session, running.registry, username)
    with database.session() as session:
        hub = session.scalars(sql(Hub).where(Hub.name == PEOPLE[0])).one()
        _ = hub.widgets
    return hub


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Keep processors busy, with one process each, as other programs of the machine would."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(running: Stack, count: int, rounds: int, puts: int, seconds: int) -> None:
    """Measure and print."""
    hub = prepare(running)
    bus = running.bus()
    time.sleep(4)  # the sweep has put the new hubs into the index
    if count:
        print_throughput(running, bus, count)
    print(f"{'readers':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'receipts':>9}")
    if rounds:
        latency(running, bus, hub, 1, WARM)
        for readers in (1, 100, 1000):
            print_latency(str(readers), latency(running, bus, hub, readers, rounds))
        with hogs(HOGS):
            busy = latency(running, bus, hub, 100, rounds)
        print_latency("100 busy", busy, f"with {HOGS} processes that never rest; the aim is 120 at p99")
        print("to show with 100 readers: p50 ≤ 12, p99 ≤ 60")
    if puts:
        print_latency("PUT", push.latency(running, hub, puts), "from the request to the event; the aim is 60 at p95")
    rss = {name: resident(service.process.pid) for name, service in running.services.items()}
    print("resident MB:", ", ".join(f"{name} {size:.0f}" for name, size in rss.items()))
    if seconds:
        soak(running, bus, seconds)
    bus.close()


def print_throughput(running: Stack, bus: Bus, count: int) -> None:
    """Measure and print how many messages a second the daemon handles, and fedmsg-hub alone."""
    daemon = running.services["hub"]
    before = used([daemon])
    speed, lost = throughput(running, bus, count)
    cost = used([daemon]) - before
    print(f"messages stored and triaged per second   {speed:8.0f}   ({count} messages, {lost} lost; to show: 3000)")
    print(f"processor time of the daemon per message, µs {cost / count * 1e6:6.0f}   (builds of widgets included)")
    daemon.process.send_signal(signal.SIGSTOP)  # the limit is measured without us
    print(f"a consumer that does nothing, same hub      {limit(running, bus, 8000):8.0f}", flush=True)
    daemon.process.send_signal(signal.SIGCONT)
    time.sleep(8)  # what it missed meanwhile is worked off


def print_latency(what: str, took: list[float], note: str = "") -> None:
    """Print the percentiles of some milliseconds."""
    figures = " ".join(f"{percentile(took, share):8.1f}" for share in (50, 95, 99))
    print(f"{what:>8} {figures} {len(took):>9}{note and f'   ({note})'}", flush=True)


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages for the throughput; 0 for none")
    parser.add_argument("--rounds", type=int, default=20, help="rounds for each latency; 0 for none")
    parser.add_argument("--puts", type=int, default=120, help="requests of machines; their p95 needs a hundred")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS", help=f"send {RATE} messages a second so long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with addresses(folder) as urls, stack(folder, *urls) as running:
            run(running, options.count, options.rounds, options.puts, options.soak)


if __name__ == "__main__":
    main()
