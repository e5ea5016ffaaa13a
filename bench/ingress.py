"""AMQP to database and browser: messages per second with 100,000 widgets, a long queue, and latency.

Run it with `make bench`. A RabbitMQ and all processes are started for it on free ports. Beside our throughput stands a
consumer built as fedora-messaging 3.9 suggests: its own ``consume`` with a callback that stores each message in a
transaction of its own, without triage. Publisher, broker and all processes share the machine.
"""

import argparse
import contextlib
import gc
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pika
from fedora_messaging.message import Message as FedoraMessage
from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.crowd import fill
from bench.pipeline import receipts
from bench.running import addresses, percentile, resident
from bench.triage import corpus
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.events.tokens import Tokens
from hubs.models import Database
from tests import services
from tests.rabbitmq import Publisher, rabbitmq
from tests.sse import Stream
from tests.stack import ROOT, Stack, stack

#: Messages a second while the latency is measured.
RATE = 100
#: Rounds before those that are measured.
COLD = 3
#: The person whose messages change a widget that a reader watches.
WATCHED = "someone1"
QUEUE = "hubs"


class Queue:
    """A queue of the broker: publishes to it, and counts what waits in it."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self._samples = [(message.topic, message.body) for message in corpus()]

    def publish(self, count: int, prefix: str) -> None:
        """Publish ``count`` messages in the shapes of real ones, without waiting for confirmation."""
        for number in range(count):
            topic, body = self._samples[number % len(self._samples)]
            message = FedoraMessage(body=dict(body), topic=topic)
            message.id = f"{prefix}-{number}"
            self._channel.basic_publish("amq.topic", topic, message._encoded_body, message._properties)

    def waiting(self, name: str) -> int:
        """Return how many messages of a queue are not acknowledged."""
        return int(self._channel.queue_declare(name, passive=True).method.message_count)

    def bind(self, name: str) -> None:
        """Declare a durable queue that receives everything."""
        self._channel.queue_declare(name, durable=True)
        self._channel.queue_bind(name, "amq.topic", "#")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Counter:
    """Counts the stored messages of one run by the prefix of their ids."""

    def __init__(self, url: str) -> None:
        self._connection = create_engine(url, isolation_level="AUTOCOMMIT").connect()

    def rows(self, table: str, prefix: str) -> int:
        """Return the number of rows whose message id has the prefix."""
        query = text(f"SELECT count(*) FROM {table} WHERE msg_id LIKE :prefix")
        return int(self._connection.execute(query, {"prefix": f"{prefix}-%"}).scalar_one())

    def wait(self, table: str, prefix: str, count: int, limit: float = 600) -> float:
        """Wait until ``count`` rows are stored; return the seconds that it took."""
        start = time.monotonic()
        while self.rows(table, prefix) < count:
            if time.monotonic() - start > limit:
                raise TimeoutError(f"{self.rows(table, prefix)} of {count} messages were stored in {limit:.0f} s")
            time.sleep(0.05)
        return time.monotonic() - start


def stored_per_second(running: Stack, broker: Queue, counter: Counter, count: int) -> tuple[float, float]:
    """Let ``count`` messages queue while the daemon is stopped.

    :return: the messages per second from the first to the last stored, and the memory in MB by which the daemon grew.
    """
    hub, prefix = running.services["hub"], f"queued-{uuid.uuid4().hex[:8]}"
    warm_up(running, broker, counter)
    before = resident(hub.process.pid)
    hub.stop()
    broker.publish(count, prefix)
    hub.restart()
    counter.wait("messages", prefix, 1)
    first, start, peak = counter.rows("messages", prefix), time.monotonic(), before
    while (rows := counter.rows("messages", prefix)) < count:
        peak = max(peak, resident(hub.process.pid))
        if time.monotonic() - start > 900:
            raise TimeoutError(f"{rows} of {count} messages were stored")
        time.sleep(0.05)
    took = time.monotonic() - start
    services.wait_for(lambda: broker.waiting(QUEUE) == 0, "all messages to be acknowledged")
    return (count - first) / took, max(peak, resident(hub.process.pid)) - before


def warm_up(running: Stack, broker: Queue, counter: Counter) -> None:
    """Store some messages, so that later figures hold no first-time costs."""
    prefix = f"warm-{uuid.uuid4().hex[:8]}"
    broker.publish(2000, prefix)
    counter.wait("messages", prefix, 2000)
    running.settle()


def peer_per_second(folder: Path, url: str, database_url: str, broker: Queue, counter: Counter, count: int) -> float:
    """Return the messages per second that fedora-messaging's own consumer stores, each in its own transaction."""
    config = folder / "peer.toml"
    config.write_text(
        f'amqp_url = "{url}"\ncallback = "bench.amqp_peer:StoreEach"\npassive_declares = true\n'
        '[[bindings]]\nqueue = "peer"\nexchange = "amq.topic"\nrouting_keys = ["#"]\n'
        "[queues.peer]\ndurable = true\nauto_delete = false\nexclusive = false\narguments = {}\n"
    )
    prefix = f"peer-{uuid.uuid4().hex[:8]}"
    broker.bind("peer")
    broker.publish(count, prefix)
    env = {**services.base_env(), "BENCH_DATABASE": database_url, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    argv = [str(services.BIN / "fedora-messaging"), "--conf", str(config), "consume"]
    consumer = services.Service(argv, folder, "peer", env, cwd=ROOT)
    try:
        services.wait_for(lambda: "Successfully registered" in consumer.log() or _has_rows(counter, prefix), "the peer")
        counter.wait("peer_messages", prefix, 1, 60)
        first, start = counter.rows("peer_messages", prefix), time.monotonic()
        counter.wait("peer_messages", prefix, count)
        return (count - first) / (time.monotonic() - start)
    finally:
        consumer.kill()


def _has_rows(counter: Counter, prefix: str) -> bool:
    try:
        return counter.rows("peer_messages", prefix) > 0
    except Exception:  # the peer creates its table when it starts
        return False


class Background:
    """Publishes `RATE` messages a second in a process of its own while the block runs."""

    def __init__(self, url: str) -> None:
        argv = [sys.executable, "-W", "ignore", __file__, "--publish", url]
        self._process = subprocess.Popen(argv)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)


def publish_for_ever(url: str) -> None:
    """Publish `RATE` messages a second until the process is ended."""
    broker, prefix, sent, start = Queue(url), f"steady-{uuid.uuid4().hex[:8]}", 0, time.monotonic()
    while True:
        due = int((time.monotonic() - start) * RATE)
        broker.publish(due - sent, f"{prefix}-{sent}")
        sent = due
        time.sleep(0.005)


def latency(running: Stack, url: str, rounds: int) -> list[float]:
    """Return the milliseconds from publishing a message until a browser's stream has the new fragment.

    The builds that the queue of the other measurement caused are finished before, and the first `COLD` rounds, which
    compile templates and statements, are left out.
    """
    running.settle()
    gc.freeze()  # a collection in this process would be counted as latency
    gc.disable()
    token = Tokens(running.settings.key(), 3600).mint([hub_channel(1, "public", "en")])
    stream = Stream(running.events, token, EventLog(running.settings.redis_url).cursor())
    publisher, seconds = Publisher(url), list[float]()
    with Background(url):
        time.sleep(2)
        for number in range(COLD + rounds):
            time.sleep(1.25)  # a widget is built at most once a second; two rounds must not share a build
            mark = f"Round-{number}-over"
            start = time.monotonic()
            body = {"agent": WATCHED, "issue": {"title": mark}}
            publisher.send("io.pagure.prod.pagure.issue.new", body)
            seconds += receipts([stream], mark.encode(), start)
    publisher.close()
    stream.close()
    gc.enable()
    return [1000 * value for value in seconds[COLD:]]


@contextlib.contextmanager
def running_stack(folder: Path, widgets: int, amqp_url: str) -> Iterator[tuple[Stack, str]]:
    """Run all processes on a database with ``widgets`` widgets, reading from the broker; give them and the database."""
    with addresses(folder) as urls:
        database = Database(urls[0])
        fill(database, widgets)
        database.dispose()
        with stack(folder, *urls, {"HUBS_AMQP_URL": amqp_url, "HUBS_AMQP_QUEUE": QUEUE}) as running:
            yield running, urls[0]


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Measure and print."""
    with rabbitmq() as (_, url), running_stack(folder, options.widgets, url) as (running, database_url):
        hub = running.services["hub"]
        services.wait_for(lambda: "reading hubs at" in hub.log(), "the daemon to read from the broker")
        broker, counter = Queue(url), Counter(database_url)
        speed, grown = stored_per_second(running, broker, counter, options.count)
        print(
            f"messages stored and triaged per second {speed:8.0f}   ({options.count} queued, {options.widgets} widgets)"
        )
        print(f"memory that the daemon grew by, MB     {grown:8.0f}", flush=True)
        took = latency(running, url, options.rounds)
        figures = ", ".join(f"p{share} {percentile(took, share):.1f}" for share in (50, 95, 99))
        print(f"ms to the browser at {RATE} messages/s    {figures}", flush=True)
        hub.process.send_signal(signal.SIGSTOP)  # the peer has the machine to itself
        peer = peer_per_second(folder, url, database_url, broker, counter, options.count // 20)
        print(f"fedora-messaging, one commit a message {peer:8.0f}   (stored only)")
        print("aims: ≥ 2500 messages/s; p50 ≤ 20 ms, p99 ≤ 80 ms; with 100,000 queued ≤ 100 MB")
        broker.close()


def main() -> None:
    """Start RabbitMQ and the stack, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="messages in the queue; 100000 for the memory")
    parser.add_argument("--widgets", type=int, default=100_000, help="widgets on all hubs")
    parser.add_argument("--rounds", type=int, default=100, help="rounds of the latency; p99 needs a hundred")
    parser.add_argument("--publish", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish_for_ever(options.publish)
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), options)


if __name__ == "__main__":
    main()
