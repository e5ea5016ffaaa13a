"""A webhook's delivery to the browser, on the real stack: from sending it to having the new fragment in the stream.

Run it with `python bench/hooks.py`. Deliveries go to hubs in turn, so that none waits for the pause of a second between
two builds of one widget; what that costs is shown beside it, by delivering to one hub only. Sender and all processes
share the machine.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.running import addresses
from tests.hooks import HookedHub, deliver, hooked_hubs, listen
from tests.stack import Stack, stack

#: Hubs with a webhook each, and the mean seconds between two deliveries: 2 s between two to one hub.
HUBS, PAUSE = 20, 0.1
MORE = {"HUBS_WEBHOOK_RATE": "100000", "HUBS_WEBHOOK_QUOTA": "1000000"}


def latency(running: Stack, hubs: list[HookedHub], rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds until the answer, and until the event that shows what was delivered."""
    stream, answered, shown = listen(running, hubs), [], []
    for number in range(rounds):
        time.sleep(random.expovariate(1 / PAUSE))
        title = f"Delivery {number} of {rounds}"
        start = time.monotonic()
        status, body = deliver(running, hubs[number % len(hubs)], title)
        assert status == 202, body
        answered.append(1000 * (time.monotonic() - start))
        while title not in (event := stream.next("widget")).data["html"]:
            pass
        shown.append(1000 * (event.at - start))
    stream.close()
    return answered, shown


def print_figures(label: str, values: list[float]) -> None:
    """Print the percentiles of ``values``."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    print(f"{label:<34} {cuts[49]:8.1f} {cuts[94]:8.1f} {cuts[98]:8.1f} {len(values):6}", flush=True)


def main() -> None:
    """Start the stack and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="deliveries; the p95 needs a hundred")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with addresses(folder) as urls, stack(folder, *urls, MORE) as running:
            hubs = hooked_hubs(running, [f"hooked-{number}" for number in range(HUBS)])
            latency(running, hubs, HUBS)  # every hub has been built once
            time.sleep(2)
            print(f"{'ms':<34} {'p50':>8} {'p95':>8} {'p99':>8} {'count':>6}")
            answered, shown = latency(running, hubs, options.rounds)
            print_figures("delivery to its answer", answered)
            print_figures("delivery to the browser", shown)
            print("aim: p95 ≤ 150 to the browser", flush=True)
            _answered, shown = latency(running, hubs[:1], max(2, options.rounds // 4))
            print_figures("the same, all to one hub", shown)


if __name__ == "__main__":
    main()
