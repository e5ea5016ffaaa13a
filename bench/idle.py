"""What the daemon costs when little happens: its share of a core on the demo at 0, 10 and 100 messages a second.

The demo's people, teams and year of messages are in PostgreSQL, and its stand-ins answer for other services. The
messages are those of `hubs demo replay`, on the bus, so that most of them touch several widgets of a few dozen hubs.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.running import addresses, fill_with_demo, used
from hubs.demo import fill, messages, upstream
from tests.services import BIN, Service, free_port, listens
from tests.stack import ROOT, Bus, Stack, environment, stack

#: Messages a second, with the most that the daemon may take of a core, in percent.
RATES = {0: 0, 10: 10, 100: 25}
#: Seconds before each measurement, in which what the start has asked for is built.
SETTLE = 20.0


@contextmanager
def demo(folder: Path) -> Iterator[Stack]:
    """Run all processes as in production, with the data of the demo."""
    port = free_port()
    more = upstream.environment(port)
    with addresses(folder) as urls:
        env, _ = environment(folder, *urls, more)
        fill_with_demo(env).dispose()
        others = Service([str(BIN / "hubs"), "demo", "upstream", "--port", str(port)], folder, "others", env, cwd=ROOT)
        others.ready(lambda: listens(port))
        try:
            with stack(folder, *urls, more) as running:
                yield running
        finally:
            others.stop()


def send(bus: Bus, chance: random.Random, rate: int, seconds: float) -> int:
    """Send ``rate`` messages a second about the demo's people; return how many were sent."""
    people = [row["username"] for row in fill.data()["people"] if not row.get("quiet")]
    start, sent = time.monotonic(), 0
    while (passed := time.monotonic() - start) < seconds:
        while sent < passed * rate:
            topic, body = messages.random_message(chance, people)
            bus.send(f"org.fedoraproject.prod.{topic}", body)
            sent += 1
        time.sleep(0.02)
    return sent


def run(running: Stack, seconds: float) -> None:
    """Measure and print a line for each rate."""
    bus, chance, hub = running.bus(), random.Random(1), running.services["hub"]
    print(f"{'messages/s':>11} {'% of a core':>12} {'at most':>8} {'ms each':>8}")
    for rate, most in RATES.items():
        send(bus, chance, rate, SETTLE)
        before, start = used([hub]), time.monotonic()
        sent = send(bus, chance, rate, seconds)
        cost, took = used([hub]) - before, time.monotonic() - start
        each = f"{1000 * cost / sent:8.2f}" if sent else ""
        print(f"{rate:>11} {100 * cost / took:>12.1f} {most or '':>8} {each}", flush=True)
    bus.close()


def main() -> None:
    """Start everything and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, demo(Path(name)) as running:
        run(running, options.seconds)


if __name__ == "__main__":
    main()
