"""Floods of messages: how many are stored and triaged in a second, beside a consumer that does nothing."""

import json
import re
import time
import uuid

from sqlalchemy import text

from bench.running import percentile, resident
from bench.triage import corpus
from tests import services
from tests.stack import ROOT, Bus, Stack

#: Messages sent but not stored at any moment of the throughput: ZeroMQ drops what overflows.
IN_FLIGHT = 3000
#: Messages a second of the long run.
RATE = 1000


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
