"""Triage: what a message costs, beside the naive loop over all widgets and a bare dictionary look-up.

Widgets as they are: eight per user hub, some of which care for messages about their person, some for roles, some for
nothing. Messages are the real ones of the corpus where it is there, else invented ones in their shapes.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from hubs.backend.meta import extractor
from hubs.backend.triage import Index
from hubs.bus import Message, parse
from hubs.demo import messages as invented
from hubs.models import Hub, RoleName, Widget
from hubs.widgets.registry import Registry
from tests.stack import ROOT

CORPUS = ROOT.parent / "shared" / "data" / "fedmsg_messages.jsonl"
PLUGINS = ("feed", "activity", "heatmap", "stats", "subscriptions", "about", "library", "contact")


def hub(number: int, username: str) -> Any:
    """Return a person's hub as the index reads it, without a database."""
    user = SimpleNamespace(username=username)
    found = Hub(id=number + 1, kind="user", name=username, extras={})
    widgets = [
        Widget(id=number * len(PLUGINS) + place + 1, plugin=plugin, settings={}, hub=found)
        for place, plugin in enumerate(PLUGINS)
    ]
    roles = [SimpleNamespace(user=user, role=RoleName.OWNER)]
    return SimpleNamespace(id=found.id, kind="user", name=username, extras={}, widgets=widgets, roles=roles)


def corpus() -> list[Message]:
    """Return the messages that are looked up."""
    if CORPUS.exists():
        lines = CORPUS.read_text(encoding="utf-8").splitlines()
        raws = [json.loads(line)["message"] for line in lines]
        return [parse(raw) for raw in raws if raw.get("topic") and isinstance(raw.get("msg"), dict)]
    chance = random.Random(1)
    made = (invented.one(chance, ["person1", "person2", "person3"]) for _ in range(300))
    return [parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body}) for topic, body in made]


def memory() -> int:
    """Return the resident bytes of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def cost(act: Callable[[Message], object], messages: list[Message], rounds: int) -> float:
    """Return microseconds per message, the best of five runs."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            for message in messages:
                act(message)
        best = min(best, time.perf_counter() - start)
    return best / rounds / len(messages) * 1e6


def usernames(messages: list[Message]) -> Iterator[str]:
    """Yield whom the messages name first, so that they touch something, then others without end."""
    named = {username for message in messages for username in message.users}
    yield from sorted(named)
    number = 0
    while True:
        number += 1
        yield f"someone{number}"


def main() -> None:
    """Build the index at each size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    raw, registry = corpus(), Registry()
    extract = extractor({})
    messages = [extract(message) for message in raw]
    extracting = cost(extract, raw, 2)
    print(f"{len(messages)} messages; people, packages and sentence extracted in {extracting:.0f} µs a message")
    head = ("widgets", "index µs", "dict µs", "loop µs", "bytes/widget", "build s", "touched")
    print(" ".join(f"{name:>12}" for name in head))
    for size in options.sizes:
        index, before, start = Index(registry), memory(), time.perf_counter()
        names = usernames(messages)
        interested: dict[str, list[int]] = {}
        for number in range(size // len(PLUGINS)):
            one = hub(number, next(names))
            index.replace(one)
            interested[one.name] = [widget.id for widget in one.widgets[:5]]
        took, used = time.perf_counter() - start, memory() - before
        indexed = cost(index.touched, messages, 5)
        bare = cost(partial(look_up, interested), messages, 5)
        loop = naive(size, list(interested), messages)
        touched = sum(len(index.touched(message)) for message in messages) / len(messages)
        figures = (indexed, bare, loop, used / size, took, touched)
        print(f"{size:>12} " + " ".join(f"{figure:>12.1f}" for figure in figures), flush=True)


def look_up(interested: dict[str, list[int]], message: Message) -> list[list[int] | None]:
    """Return what a bare dictionary knows of the people of a message."""
    return [interested.get(username) for username in message.users]


def naive(size: int, names: list[str], messages: list[Message]) -> float:
    """Return microseconds per message when every widget is asked whether the message names its person."""
    people = [names[number % len(names)] for number in range(size)]
    some = messages[:: max(1, len(messages) * size // 3_000_000)]
    start = time.perf_counter()
    for message in some:
        for username in people:
            _stale(username, message)
    return (time.perf_counter() - start) / len(some) * 1e6


def _stale(username: str, message: Message) -> bool:
    return username in message.users


if __name__ == "__main__":
    main()
