"""Event streams of a hundred thousand readers on one machine, also after all event servers were killed.

A process may open 20,000 descriptors on many machines, so that seven event servers hold the streams, and seven programs
in C the other ends. Every reader has a channel of a hub and one of its own. Servers, readers, publisher and Redis share
the machine. Percentiles are those of the program whose readers waited longest. The time until all readers are back
includes that in which the servers start and the tokens of the readers are signed.
"""

import argparse
import contextlib
import itertools
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.peers.servers import Peer, children, compiled
from bench.stream import Listener, event, resident, used, warm
from tests import services
from tests.streams import Streams, serve

#: Streams of one server; some descriptors are needed for other things.
PER_SERVER = 15_000
#: What is aimed at: kilobytes for each reader, seconds for a broadcast, and for coming back.
KILOBYTES, BROADCAST, BACK = 1.0, 3.0, 120.0


@dataclass
class Server:
    """An event server, with the requests of its readers."""

    streams: Streams
    readers: int

    @property
    def worker(self) -> int:
        """The process that holds the streams."""
        return children(self.streams.service)[0]

    def peer(self) -> Peer:
        """Return the server as `Listener` needs it, with the tokens of its readers."""
        cursor, port = self.streams.log.cursor(), int(self.streams.url.split(":")[2].split("/")[0])
        numbers = itertools.count()

        def request(_channel: str) -> bytes:
            token = self.streams.token("hub:1:public:en", f"user:{port * 100_000 + next(numbers)}")
            return f"GET /events?token={token}&cursor={cursor} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

        return Peer(self.worker, port, request, lambda *_: None)


@contextlib.contextmanager
def running(folder: Path, readers: int) -> Iterator[list[Server]]:
    """Run as many event servers as the readers need, on one Redis."""
    count = -(-readers // PER_SERVER)
    with contextlib.ExitStack() as stack:
        _, port = stack.enter_context(services.redis_server(folder))
        servers = []
        for number in range(count):
            own = folder / str(number)
            own.mkdir()
            streams = stack.enter_context(serve(own, port, "--backlog", "2048"))
            servers.append(Server(streams, readers // count + (number < readers % count)))
        for server in servers:
            warm(server.peer())
        yield servers


def until(listeners: Sequence[Listener], command: str, counts: Sequence[int], timeout: float) -> float:
    """Wait until the answer of each program reaches its count; return the seconds that took, or fail."""
    begin = time.monotonic()
    while not all(int(one.ask(command)[0]) >= count for one, count in zip(listeners, counts, strict=True)):
        assert time.monotonic() - begin < timeout, [one.ask(command) for one in listeners]
        time.sleep(0.05)
    return time.monotonic() - begin


@contextlib.contextmanager
def listening(program: str, folder: Path, servers: Sequence[Server]) -> Iterator[list[Listener]]:
    """Have all readers open their streams."""
    listeners = []
    try:
        for number, server in enumerate(servers):
            listeners.append(Listener(program, folder / str(number), server.peer(), server.readers))
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


def broadcast(servers: Sequence[Server], listeners: Sequence[Listener], rounds: int) -> list[float]:
    """Publish to everybody again and again; return the percentiles of the slowest program in milliseconds."""
    for listener in listeners:
        listener.ask("clear")
    for number in range(rounds):
        servers[0].streams.log.publish("hub:1:public:en", "widget", {"html": event()})
        until(listeners, "count", [server.readers * (number + 1) for server in servers], 60)
    answers = [listener.ask("tell")[1:4] for listener in listeners]
    return [max(values) for values in zip(*answers, strict=True)]


def total(figure: Callable[[int], float], servers: Sequence[Server]) -> float:
    """Return the sum of a figure of all servers' processes."""
    return sum(figure(server.worker) for server in servers)


def kill(servers: Sequence[Server]) -> None:
    """Kill all event servers, and start them again."""
    for server in servers:
        os.killpg(server.streams.service.process.pid, signal.SIGKILL)
        server.streams.service.process.wait(10)
    for server in servers:
        server.streams.service.restart()
    for server in servers:
        server.streams.ready()


def measure(program: str, folder: Path, servers: Sequence[Server], rounds: int, rest: float) -> float:
    """Print what the streams cost, then kill the servers; return when."""
    readers = [server.readers for server in servers]
    before = total(resident, servers)
    with listening(program, folder, servers) as listeners:
        opening = until(listeners, "open", readers, 600)
        print(f"{sum(readers):,} streams on {len(servers)} servers, all open after {opening:.0f} s")
        time.sleep(2)
        kilobytes = (total(resident, servers) - before) / sum(readers) / 1024
        print(f"memory of the servers for each stream: {kilobytes:.2f} KB (aim {KILOBYTES:.0f})", flush=True)
        start = total(used, servers)
        time.sleep(rest)
        print(f"idle: {100 * (total(used, servers) - start) / rest:.1f} % of a core")
        start = total(used, servers)
        slowest = broadcast(servers, listeners, rounds)
        spent = 1e6 * (total(used, servers) - start) / sum(readers) / rounds
        times = "/".join(f"{value:,.0f}" for value in slowest)
        print(f"broadcast: {times} ms at p50/p95/p99 (aim {1000 * BROADCAST:,.0f})")
        print(f"processor time for each event and reader: {spent:.1f} µs", flush=True)
        begin = time.monotonic()
        kill(servers)
    return begin


def come_back(program: str, folder: Path, servers: Sequence[Server], since: float) -> None:
    """Print how long it takes until all readers are back."""
    with listening(program, folder, servers) as listeners:
        until(listeners, "open", [server.readers for server in servers], 600)
        print(f"killed, started again, all readers back after {time.monotonic() - since:.0f} s (aim {BACK:.0f})")
        print(f"the next event reaches all of them, 99 in 100 within {broadcast(servers, listeners, 1)[2]:,.0f} ms")


def main() -> None:
    """Run the servers and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000, help="number of readers")
    parser.add_argument("--rounds", type=int, default=5, help="broadcasts to all readers")
    parser.add_argument("--rest", type=float, default=10, help="seconds over which the idle time is taken")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = compiled("listener", folder)
        with running(folder, options.clients) as servers:
            since = measure(program, folder, servers, options.rounds, options.rest)
            come_back(program, folder, servers, since)


if __name__ == "__main__":
    main()
