"""Event streams: ours beside nginx with nchan, a minimal asyncio server, stock flask-sse, and epoll in C.

Every server is one process, holds the same number of streams, and sends the same events of 2 KiB. A program in C holds
the other ends and takes the time from publishing to receipt. Server, readers, publisher and Redis share the machine.
"""

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.peers import servers
from bench.peers.servers import Peer, compiled
from tests.services import HOST

Server = Callable[[Path], AbstractContextManager[Peer]]
SERVERS: dict[str, Server] = {
    "hubs": servers.hubs,
    "nginx+nchan": servers.nchan,
    "asyncio": servers.minimal,
    "flask-sse": servers.stock,
    "epoll in C": servers.limit,
}
#: Readers that stock flask-sse holds here: each takes two descriptors and a connection to Redis.
STOCK = 5000
SIZE, VIEWERS, BURST = 2048, 100, 100
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """What was measured of one server, as it is printed."""

    held: int
    kilobytes: float
    idle: float
    microseconds: float
    viewers: list[float]
    broadcast: list[float]
    burst: float
    delivered: int
    expected: int


class Listener:
    """The program that holds the readers' ends."""

    def __init__(self, program: str, folder: Path, peer: Peer, readers: int) -> None:
        requests = folder / "requests"
        with requests.open("wb") as out:
            for number in range(readers):
                head = peer.request("a" if number < VIEWERS else "b")
                out.write(b"%d\n" % len(head) + head)
        argv = [program, HOST, str(peer.port), str(requests)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command: str) -> list[float]:
        """Give a command; return the numbers of its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        return [float(word) for word in answer if word[0].isdigit()]

    def wait(self, command: str, count: int, timeout: float) -> int:
        """Wait until the answer reaches ``count``; return what it is in the end."""
        end, last, moved = time.monotonic() + timeout, -1, time.monotonic()
        while time.monotonic() < end:
            reached = int(self.ask(command)[0])
            if reached >= count or time.monotonic() - moved > 10:
                return reached
            if reached != last:
                last, moved = reached, time.monotonic()
            time.sleep(0.01 if command == "count" else 0.1)
        return reached

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.communicate()


def event() -> str:
    """Return an event's text, which ends with the moment of its making."""
    return "x" * (SIZE - 18) + f"@@{time.clock_gettime_ns(time.CLOCK_MONOTONIC):016x}"


def resident(pid: int) -> int:
    """Return the resident bytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def used(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def warm(peer: Peer) -> None:
    """Open and close some streams, so that what a server makes once is not counted as its readers'."""
    for channel in "ab" * 16:
        with socket.create_connection((HOST, peer.port)) as connection:
            connection.sendall(peer.request(channel))
            time.sleep(0.02)
    time.sleep(1)


def measure(name: str, program: str, readers: int, rounds: int, rest: float) -> Figures:
    """Start a server, open the streams and take all figures."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        with SERVERS[name](folder) as peer:
            warm(peer)
            before = resident(peer.pid)
            listener = Listener(program, folder, peer, readers)
            try:
                return _measure(name, peer, listener, before, readers, rounds, rest)
            finally:
                listener.close()


def _measure(name: str, peer: Peer, listener: Listener, before: int, readers: int, rounds: int, rest: float) -> Figures:
    # Its head comes with the first event: publish until all are there.
    held = _wake(peer, listener, readers) if name == "flask-sse" else listener.wait("open", readers, 180)
    time.sleep(1)
    kilobytes = (resident(peer.pid) - before) / max(1, held) / 1024
    start = used(peer.pid)
    time.sleep(rest)
    idle = 100 * (used(peer.pid) - start) / rest
    viewers, got_viewers, all_viewers = _rounds(peer, listener, ["a"], VIEWERS, 5 * rounds)
    start = used(peer.pid)
    broadcast, got_all, all_all = _rounds(peer, listener, ["a", "b"], held, rounds)
    spent = used(peer.pid) - start
    listener.ask("clear")
    for _ in range(BURST):
        for channel in ("a", "b"):
            peer.publish(channel, event())
    got_burst = listener.wait("count", held * BURST, 120)
    burst = listener.ask("tell")[5]
    delivered, expected = got_viewers + got_all + got_burst, all_viewers + all_all + held * BURST
    return Figures(held, kilobytes, idle, 1e6 * spent / max(1, got_all), viewers, broadcast, burst, delivered, expected)


def _wake(peer: Peer, listener: Listener, readers: int) -> int:
    held, end = 0, time.monotonic() + 180
    while held < readers and time.monotonic() < end:
        for channel in ("a", "b"):
            peer.publish(channel, "hello")
        time.sleep(1)
        held = int(listener.ask("open")[0])
    time.sleep(3)
    return held


def _rounds(
    peer: Peer, listener: Listener, channels: list[str], readers: int, rounds: int
) -> tuple[list[float], int, int]:
    """Publish again and again, each time when the last has arrived; return percentiles, receipts and expected ones."""
    listener.ask("clear")
    for number in range(rounds):
        time.sleep(0.05)
        for channel in channels:
            peer.publish(channel, event())
        listener.wait("count", readers * (number + 1), 30)
    count, *percentiles = listener.ask("tell")
    return percentiles[:3], int(count), readers * rounds


def main() -> None:
    """Measure each server with each number of readers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="*", default=[1000, 5000, 10_000], help="numbers of readers")
    parser.add_argument("--servers", nargs="*", default=list(SERVERS), choices=list(SERVERS), help="servers to measure")
    parser.add_argument("--rounds", type=int, default=10, help="broadcasts to all readers")
    parser.add_argument("--rest", type=float, default=10, help="seconds over which the idle CPU is taken")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(f"events of {SIZE} bytes; latency in ms at p50/p95/p99; burst: ms until {BURST} events are with all readers")
    head = ("server", "readers", "held", "KB each", "idle CPU", "µs/event", "100 viewers", "broadcast", "burst", "got")
    widths = (12, 8, 7, 8, 9, 9, 16, 20, 8, 18)
    print(" ".join(f"{name:>{width}}" for name, width in zip(head, widths, strict=True)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        program = compiled("listener", Path(folder))
        for readers in options.clients:
            for name in options.servers:
                if name == "flask-sse" and readers > STOCK:
                    print(f"{name:>12} {readers:>8} cannot: two descriptors and a Redis connection a reader")
                    continue
                figures = measure(name, program, readers, options.rounds, options.rest)
                row = (
                    name,
                    readers,
                    figures.held,
                    f"{figures.kilobytes:.2f}",
                    f"{figures.idle:.2f} %",
                    f"{figures.microseconds:.1f}",
                    "/".join(f"{value:.1f}" for value in figures.viewers),
                    "/".join(f"{value:.0f}" for value in figures.broadcast),
                    f"{figures.burst:.0f}",
                    f"{figures.delivered}/{figures.expected}",
                )
                line = (f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
                print(" ".join(line), flush=True)


if __name__ == "__main__":
    main()
