"""The index: what a message costs, beside a bare dictionary look-up and a loop over every widget.

The index is read from a real PostgreSQL as the daemon reads it: eight widgets a hub, one team for fifty people, a
widget from outside with an exact filter on one hub of ten. Messages are the real ones of the corpus where it is
there, else samples in the same shapes; the people they name are replaced by people drawn from all hubs, so that a
look-up at a million widgets finds its data in memory and not in the processor's caches. Every size runs in a process of
its own.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.crowd import OUTSIDE, fill
from hubs.backend.index import loader
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.bus import Message, parse
from hubs.demo import messages as invented
from hubs.models import Database
from hubs.services import tune_gc
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.registry import Registry
from tests import services
from tests.stack import ROOT

CORPUS = ROOT.parent / "shared" / "data" / "fedmsg_messages.jsonl"
#: Messages that are looked up, each naming other people.
VARIANTS = 20_000
#: What the figures must stay within, by column.
LIMITS = {"index µs": "≤ 10", "÷ 1st": "≤ 2", "all µs": "≤ 60", "bytes": "≤ 400", "build s": "≤ 60"}
COLUMNS = ("widgets", "index µs", "÷ 1st", "all µs", "dict µs", "loop µs", "bytes", "build s", "again s", "meanwhile")


class Exact(CachedFunction):
    """The data of a widget from outside: of the messages about its person only those of some services count."""

    def interests(self) -> list[Interest]:
        """Return: any message that names the person of the hub."""
        return [Interest(("*",), "user", self.instance.hub.name)]

    def should_invalidate(self, message: Mapping[str, Any]) -> bool:
        """Return whether the sender is a service whose messages matter."""
        return any(service in message["topic"] for service in (".pagure.", ".bodhi."))


class Asked:
    """What the loop asks: one object per widget that knows its person."""

    __slots__ = ("username",)

    def __init__(self, username: str) -> None:
        self.username = username

    def should_invalidate(self, message: Message) -> bool:
        """Return whether the message names the person."""
        return self.username in message.users


def registry() -> Registry:
    """Return the built-in widgets and the one from outside."""
    types = Registry()
    about = types.get("about")
    assert about is not None
    types._types[OUTSIDE] = replace(about, functions=(Exact,))
    return types


def corpus() -> list[Message]:
    """Return the real messages, or invented ones."""
    if CORPUS.exists():
        raws = [json.loads(line)["message"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]
        return [parse(raw) for raw in raws if raw.get("topic") and isinstance(raw.get("msg"), dict)]
    chance = random.Random(1)
    bodies = (invented.random_message(chance, ["person1", "person2", "person3"]) for _ in range(300))
    return [parse({"topic": f"org.fedoraproject.prod.{topic}", "msg": body}) for topic, body in bodies]


def renamed(messages: list[Message], people: list[str]) -> list[Message]:
    """Return many messages in the mix of ``messages`` that name other people."""
    chance = random.Random(2)
    return [
        replace(message, users=frozenset(_parsed(name) for name in chance.choices(people, k=len(message.users))))
        for message in chance.choices(messages, k=VARIANTS)
    ]


def _parsed(name: str) -> str:
    """Return the name as an object of its own, as it comes out of a message."""
    return name.encode().decode()


def cost(act: Callable[[Message], object], messages: list[Message]) -> float:
    """Return microseconds of processor time per message, the median of five passes: what others do does not count."""
    took = []
    for _ in range(5):
        start = time.thread_time()
        for message in messages:
            act(message)
        took.append(time.thread_time() - start)
    return statistics.median(took) / len(messages) * 1e6


def memory() -> int:
    """Return the resident bytes of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def measure(url: str, size: int) -> dict[str, float]:
    """Return the figures of one size."""
    tune_gc()
    database = Database(url)
    people = fill(database, size)
    index = Index(registry())
    refresher = IndexRefresher(database, index, lambda: None)
    warm = next(iter(loader.iter_batches(database)))  # what the first query loads is not the index's
    del warm
    before, start = memory(), time.perf_counter()
    refresher.load()
    built, used = time.perf_counter() - start, memory() - before
    assert sum(len(filed.widgets) for filed in index._tables.hubs.values()) > size // 2
    extract = fedmsg_meta_extractor(index.directory)
    plain = corpus()
    messages = renamed([extract(message) for message in plain], people)
    indexed = cost(index.touched, messages)
    bare = {name: [number] for number, name in enumerate(people)}
    again, meanwhile = reloaded(refresher, index, messages)
    return {
        "widgets": size,
        "index µs": indexed,
        "all µs": indexed + cost(extract, plain * 5),
        "dict µs": cost(partial(look_up, bare), messages),
        "loop µs": loop(size, people, messages),
        "bytes": used / size,
        "build s": built,
        "again s": again,
        "meanwhile": meanwhile,
        "touched": sum(len(index.touched(message)) for message in messages) / len(messages),
    }


def reloaded(refresher: IndexRefresher, index: Index, messages: list[Message]) -> tuple[float, float]:
    """Rebuild the index in the background; return the seconds, and the look-ups per second of the old one."""
    start, answers = time.perf_counter(), 0
    refresher.reload()
    while refresher._next_index is None:
        for message in messages[:100]:
            index.touched(message)
        answers += 100
        time.sleep(0.001)
    took = time.perf_counter() - start
    refresher.swap_in()
    return took, answers / took


def look_up(bare: dict[str, list[int]], message: Message) -> list[list[int] | None]:
    """Return what a bare dictionary knows of the people of a message."""
    return [bare.get(username) for username in message.users]


def loop(size: int, people: list[str], messages: list[Message]) -> float:
    """Return microseconds per message when every widget is asked."""
    functions = [Asked(people[number % len(people)]) for number in range(size)]
    some = messages[: max(3, 2_000_000 // size)]
    start = time.thread_time()
    for message in some:
        for function in functions:
            function.should_invalidate(message)
    return (time.thread_time() - start) / len(some) * 1e6


def table(sizes: list[int], server: str) -> None:
    """Measure every size in a process of its own, and print."""
    print(" ".join(f"{name:>10}" for name in COLUMNS))
    print(" ".join(f"{LIMITS.get(name, '' if name != 'widgets' else 'limit'):>10}" for name in COLUMNS))
    first = 0.0
    for size in sizes:
        engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE bench{size}"))
        engine.dispose()
        argv = [sys.executable, "-W", "ignore", __file__, "--one", str(size), "--url", f"{server}/bench{size}"]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        first = first or result["index µs"]
        result["÷ 1st"] = result["index µs"] / first
        figures = (f"{result[name]:>10.0f}" if result[name] >= 100 else f"{result[name]:>10.1f}" for name in COLUMNS)
        print(" ".join(figures), flush=True)


def main() -> None:
    """Start PostgreSQL and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.url, options.one)))
        return
    print(
        "index: keys and exact filter; all: with people, packages and sentence extracted; dict: a bare look-up of the"
    )
    print(
        "people; loop: every widget asked; bytes: resident, per widget; build: from PostgreSQL; again: the same in the"
    )
    print("background; meanwhile: answers a second that the old index gave during that")
    with services.postgresql() as (_, port):
        table(options.sizes, f"postgresql+psycopg2://postgres@127.0.0.1:{port}")


if __name__ == "__main__":
    main()
