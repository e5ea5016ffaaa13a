"""Time and memory of reading 1,000 issues and a feed of 5 MB, beside plain `json` and `feedparser`.

``python -m bench.clients`` prints one line per reader. Each runs in a process of its own, since memory is a high-water
mark. We read only the first megabyte of a feed; feedparser also reads the same megabyte, for comparison.
"""

import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import feedparser

from hubs.clients import feeds
from hubs.clients.feedxml import parse
from hubs.clients.forges.github import Item
from hubs.clients.http.records import Records
from hubs.clients.http.response import Response
from hubs.demo.services.contract import record

ISSUES, FEED = 1000, 5_000_000
RUNS = 5


def _issues(odd: int = 0) -> bytes:
    items = [record("github", "issues", number=number, body="x" * 2000) for number in range(ISSUES)]
    return json.dumps([*items[odd:], *[None] * odd]).encode()


def _feed() -> bytes:
    text = "x" * 4900
    date = "<pubDate>Fri, 24 Jul 2026 12:00:00 CEST</pubDate>"
    item = f"<item><title>T</title>{date}<description>{text}</description></item>"
    return f'<rss version="2.0"><channel><title>Big</title>{item * (FEED // len(item))}</channel></rss>'.encode()


def _read_issues(body: bytes) -> int:
    items: list[Item] = Response("GitHub", "", 200, {}, body).read_as(Records[Item])
    return len([item.ticket("a/b") for item in items])


def _read_feed(body: bytes) -> int:
    return len(feeds._feed(parse(body[: feeds.LIMIT], "", feeds.ENTRIES), "https://e.example/").entries)


READERS: dict[str, tuple[Callable[[], bytes], Callable[[bytes], Any]]] = {
    "1,000 issues: hubs": (_issues, _read_issues),
    "1,000 issues, 10 of them odd: hubs": (lambda: _issues(10), _read_issues),
    "1,000 issues: json.loads alone": (_issues, lambda body: len(json.loads(body))),
    "feed of 5 MB: hubs, first megabyte": (_feed, _read_feed),
    "feed of 5 MB: feedparser, first megabyte": (
        _feed,
        lambda body: len(feedparser.parse(body[: feeds.LIMIT]).entries),
    ),
    "feed of 5 MB: feedparser": (_feed, lambda body: len(feedparser.parse(body).entries)),
}


def _measure(name: str, results: Any) -> None:
    make, read = READERS[name]
    body = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        count = read(body)
        seconds.append(time.perf_counter() - started)
    results.put((min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, count))


def main() -> None:
    """Measure every reader."""
    spawn = multiprocessing.get_context("spawn")
    for name in READERS:
        results = spawn.SimpleQueue()
        process = spawn.Process(target=_measure, args=(name, results))
        process.start()
        seconds, kilobytes, count = results.get()
        process.join()
        print(f"{name:44} {seconds * 1000:8.1f} ms {kilobytes / 1024:6.1f} MB more {count:5} entries")


if __name__ == "__main__":
    main()
