"""Bus to browser, on the real stack: messages per second, and latency with 1, 100 and 1,000 readers.

Run it with `make bench`. PostgreSQL, memcached, Redis, fedmsg-relay, fedmsg-hub and gunicorn are started for it on free
ports. Beside our throughput stands the limit: a consumer that does nothing, in the same fedmsg-hub behind the same
relay. Sender and all processes share the machine.
"""

import argparse
import json
import os
import re
import select
import signal
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select as sql
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import push
from bench.running import addresses
from bench.triage import corpus
from hubs.actions.people import roles
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Hub
from tests import services
from tests.sse import Stream
from tests.stack import ROOT, Bus, Stack, stack

#: Messages sent but not stored at any moment of the throughput: ZeroMQ drops what overflows.
IN_FLIGHT = 3000
#: Messages a second of the long run.
RATE = 1000
PEOPLE = [f"bench{number:03d}" for number in range(200)]


class Flood:
    """Sends the real messages again and again, each with an id of its own, or invented ones in their shapes."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self.sent = bus, 0
        #: What all its ids begin with: messages of another flood would be taken for these, and not stored again.
        self.prefix = f"flood-{uuid.uuid4().hex[:12]}-"
        self._made = [
            (message.topic.encode(), json.dumps({**message.raw, "msg_id": "@id@", "timestamp": 0}).encode())
            for message in corpus()
        ]

    def send(self, count: int) -> None:
        """Publish ``count`` messages as fast as it goes."""
        stamp, prefix = b'"timestamp": %.6f' % time.time(), self.prefix.encode()
        for number in range(self.sent, self.sent + count):
            topic, text = self._made[number % len(self._made)]
            self._bus.raw(topic, text.replace(b"@id@", prefix + b"%d" % number).replace(b'"timestamp": 0', stamp))
        self.sent += count


class Stored:
    """Tells how many messages were stored since it was made, by the numbers given to rows: cheap, and for what waits.

    A number is also used up by a message that is there already, so that `rows` alone tells what is in the database.
    """

    def __init__(self, running: Stack) -> None:
        self._connection = running.database().engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._before = self._last()

    def __call__(self) -> int:
        """Return the number."""
        return self._last() - self._before

    def rows(self, flood: Flood) -> int:
        """Return how many messages of a flood are in the database, by counting them."""
        query = text("SELECT count(*) FROM messages WHERE msg_id LIKE :prefix")
        return int(self._connection.execute(query, {"prefix": f"{flood.prefix}%"}).scalar_one())

    def has(self, flood: Flood, number: int) -> bool:
        """Return whether a numbered message of a flood is in the database."""
        query = text("SELECT 1 FROM messages WHERE msg_id = :msg_id")
        return self._connection.execute(query, {"msg_id": f"{flood.prefix}{number}"}).first() is not None

    def _last(self) -> int:
        return int(self._connection.execute(text("SELECT last_value FROM messages_id_seq")).scalar_one())


def throughput(running: Stack, bus: Bus, count: int) -> tuple[float, int]:
    """Return the messages per second from the first sent to the last stored and triaged, and how many were lost."""
    stored, flood, start = Stored(running), Flood(bus), time.monotonic()
    while flood.sent < count:
        flood.send(250)
        while flood.sent - stored() > IN_FLIGHT:
            time.sleep(0.005)
    # A row has its number before it is committed, so the end is told by what others can read.
    seen, since = -1, time.monotonic()
    while not stored.has(flood, count - 1) and time.monotonic() - since < 5:
        now = stored()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.01)
    took = (time.monotonic() if stored.has(flood, count - 1) else since) - start
    rows = stored.rows(flood)
    return rows / took, count - rows


def soak(running: Stack, bus: Bus, seconds: int, rate: int = RATE) -> None:
    """Send ``rate`` messages a second and print, ten times, what waits and how much memory the daemon holds."""
    stored, flood, hub = Stored(running), Flood(bus), running.services["hub"].process.pid
    print(f"{'second':>8} {'sent/s':>8} {'stored/s':>8} {'waiting p50':>12} {'p99':>6} {'most':>6} {'resident MB':>12}")
    start, lags, reported = time.monotonic(), [0], 0
    before = 0
    while (passed := time.monotonic() - start) < seconds:
        flood.send(max(0, int(passed * rate) - flood.sent))
        time.sleep(0.01)
        lags.append(flood.sent - stored())
        if passed >= (reported + 1) * seconds / 10:
            reported += 1
            span = seconds / 10
            figures = f"{percentile(lags, 50):>12.0f} {percentile(lags, 99):>6.0f} {max(lags):>6}"
            speeds = f"{flood.sent / passed:>8.0f} {(stored() - before) / span:>8.0f}"
            print(f"{passed:>8.0f} {speeds} {figures} {resident(hub):>12.0f}", flush=True)
            lags, before = [0], stored()
    rows, seen = stored.rows(flood), -1
    while seen < rows < flood.sent:  # what waits is worked off
        time.sleep(2)
        rows, seen = stored.rows(flood), rows
    running.services["hub"].stop()  # at its end it says what it did
    log = running.services["hub"].log()
    shed, dropped = (_last_number(log, pattern) for pattern in (r"\bshed=(\d+)", r"(\d+) messages were dropped"))
    print(f"sent {flood.sent}, stored {rows} (rows counted), shed {shed}, dropped {dropped}")


def _last_number(log: str, pattern: str) -> int:
    """Return the last number that a log tells in these words; 0 when it tells none."""
    return int((re.findall(pattern, log) or ["0"])[-1])


def limit(running: Stack, bus: Bus, count: int) -> float:
    """Return the messages per second that fedmsg-hub hands to a consumer that does nothing."""
    told = running.folder / "noop"
    argv = [str(services.BIN / "fedmsg-hub"), "--with-consumers", "bench.noop:NoopConsumer"]
    env = {**running.env, "BENCH_NOOP": str(told), "PYTHONPATH": str(ROOT)}
    hub = services.Service(argv, running.folder, "noop", env, cwd=ROOT)
    while not told.exists():  # until it is connected
        bus.send("org.fedoraproject.dev.bench.end", {})
        time.sleep(0.2)
    time.sleep(0.5)  # none of these is on its way any more
    before = int(told.read_text())
    told.unlink()
    start, flood = time.monotonic(), Flood(bus)
    flood.send(count)
    while not told.exists() and time.monotonic() - start < 60:  # in a flood ZeroMQ drops messages, this one as well
        bus.send("org.fedoraproject.dev.bench.end", {})
        time.sleep(0.02)
    took = time.monotonic() - start
    services.wait_for(lambda: told.exists() and told.read_text(), "the last message")
    heard = int(told.read_text()) - before
    hub.kill()
    return heard / took


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


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value below which ``share`` percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]


def run(running: Stack, count: int, rounds: int, puts: int, seconds: int) -> None:
    """Measure and print; without ``count``, only what machines put into widgets."""
    hub = prepare(running)
    bus = running.bus()
    time.sleep(4)  # the sweep has put the new hubs into the index
    if not count:
        print_push(running, hub, puts)
        bus.close()
        return
    daemon = running.services["hub"].process.pid
    used = _cpu(daemon)
    speed, lost = throughput(running, bus, count)
    used = _cpu(daemon) - used
    print(f"messages stored and triaged per second   {speed:8.0f}   ({count} messages, {lost} lost; to show: 3000)")
    print(f"processor time of the daemon per message, µs {used / count * 1e6:6.0f}   (builds of widgets included)")
    running.services["hub"].process.send_signal(signal.SIGSTOP)  # the limit is measured without us
    print(f"a consumer that does nothing, same hub      {limit(running, bus, 8000):8.0f}", flush=True)
    running.services["hub"].process.send_signal(signal.SIGCONT)
    time.sleep(8)  # what it missed meanwhile is worked off
    print(f"{'readers':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'receipts':>9}")
    for readers in (1, 100, 1000):
        took = latency(running, bus, hub, readers, rounds)
        figures = " ".join(f"{percentile(took, share):8.1f}" for share in (50, 95, 99))
        print(f"{readers:>8} {figures} {len(took):>9}", flush=True)
    print("to show with 100 readers: p50 ≤ 15, p99 ≤ 60")
    print_push(running, hub, puts)
    rss = {name: resident(service.process.pid) for name, service in running.services.items()}
    print("resident MB:", ", ".join(f"{name} {size:.0f}" for name, size in rss.items()))
    if seconds:
        soak(running, bus, seconds)
    bus.close()


def print_push(running: Stack, hub: Hub, puts: int) -> None:
    """Measure and print how soon a browser has what a machine puts into a widget."""
    took = push.latency(running, hub, puts)
    figures = " ".join(f"{percentile(took, share):8.1f}" for share in (50, 95, 99))
    print(f"{'PUT':>8} {figures} {len(took):>9}   (from the request to the event; the aim is 300 at p95)", flush=True)


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages for the throughput; 0 for the PUTs alone")
    parser.add_argument("--rounds", type=int, default=20, help="rounds for each latency")
    parser.add_argument("--puts", type=int, default=120, help="requests of machines; their p95 needs a hundred")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS", help=f"send {RATE} messages a second so long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with addresses(folder) as urls, stack(folder, *urls) as running:
            run(running, options.count, options.rounds, options.puts, options.soak)


if __name__ == "__main__":
    main()
