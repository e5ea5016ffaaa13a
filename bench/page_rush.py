"""A hub that changes while people read it: the first read afterwards, and everybody at once in the second afterwards.

In each round the owner changes the text of a widget. Then 500 people open the page within a second, each on a
connection of their own, and request the changed fragment as a browser does. Latency is from the time at which a person
opens the page, so that it includes waiting for a connection. Server and people share the two cores.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sqlalchemy import select

from bench.page_crowd import WIDGETS, fill, sign_in_all
from bench.pages import fetch, gunicorn
from bench.running import addresses
from hubs.actions import widgets
from hubs.models import Database, Hub, User
from hubs.permissions import person
from hubs.services import Services, create_services
from hubs.settings import load
from tests.services import HOST
from tests.stack import environment

PEOPLE, SPREAD = 500, 1.0
#: The aim for 99 in a hundred of those who open a page, in milliseconds.
AIM = 150
HUB = "team-7"
_MISSING = re.compile(rb'data-load="(/w/[0-9]+/fragment)"')


@dataclass
class Rush:
    """What the people of some rounds measured: milliseconds for a page and a fragment, and how many builds they saw."""

    pages: list[float] = field(default_factory=list)
    fragments: list[float] = field(default_factory=list)
    builds: list[int] = field(default_factory=list)


async def _get(port: int, path: str, cookie: str) -> tuple[str, bytes]:
    reader, writer = await asyncio.open_connection(HOST, port)
    header = f"Cookie: {cookie}\r\n" if cookie else ""
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nAccept: text/html\r\n{header}\r\n".encode()
    )
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    return head.decode(), body


async def _open(port: int, cookie: str, delay: float, rush: Rush, built: set[str]) -> None:
    """Open the page as one person, and load what it lacks."""
    await asyncio.sleep(delay)
    began = time.perf_counter()
    head, body = await _get(port, f"/t/{HUB}/", cookie)
    rush.pages.append((time.perf_counter() - began) * 1000)
    assert head.startswith("HTTP/1.1 200"), head
    assert body.count(b'class="widget"') == WIDGETS, body
    for path in _MISSING.findall(body):
        began = time.perf_counter()
        head, body = await _get(port, f"{path.decode()}?lang=en", cookie)
        rush.fragments.append((time.perf_counter() - began) * 1000)
        built |= set(re.findall("(?i)x-hubs-built: (.*)", head))


async def _round(port: int, cookies: Sequence[str], chance: random.Random, rush: Rush) -> None:
    built: set[str] = set()
    await asyncio.gather(*(_open(port, cookie, chance.uniform(0, SPREAD), rush, built) for cookie in cookies))
    rush.builds.append(len(built))


def change(services: Services, hub_name: str, text: str) -> None:
    """Change a widget's text as the owner of its hub."""
    with services.database.transaction() as session:
        owner = session.scalars(select(User).where(User.username == "owner")).one()
        hub = session.scalars(select(Hub).where(Hub.name == hub_name, Hub.kind == "team")).one()
        row = next(row for row in hub.widgets if row.plugin == "about")
        who = person(owner.id, owner.username, owner.roles)
        assert widgets.update(session, services.registry, who, row, {"text": text})


def first_reads(services: Services, port: int, cookie: str, count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds for the first and for the second read of a page after each of some changes."""
    reads: tuple[list[float], list[float]] = ([], [])
    for number in range(count):
        change(services, HUB, f"Number {number} for {cookie[-8:]}")
        for times in reads:
            began = time.perf_counter()
            fetch(f"http://{HOST}:{port}/t/{HUB}/", cookie)
            times.append((time.perf_counter() - began) * 1000)
    return reads


def _share(times: Sequence[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)] if times else 0.0


def _say(what: str, times: Sequence[float], more: str = "") -> None:
    print(f"{what:<60} {_share(times, 0.5):>8.1f} {_share(times, 0.99):>8.1f}  {more}", flush=True)


def main() -> None:
    """Start the services, fill the database, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="changes after each of which everybody opens the page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hubs-bench-") as name, addresses(Path(name)) as running:
        folder, chance, database = Path(name), random.Random(1), Database(running[0])
        fill(database, chance)
        env, _ = environment(folder, *running, {"HUBS_PUBLISH": "0"})
        cookies = sign_in_all(database, env)
        database.dispose()
        services = create_services(load({name: value for name, value in env.items() if name.startswith("HUBS_")}))
        with gunicorn("hubs.wsgi:application", env, folder, "gthread", "/healthz") as port:
            _run(services, port, cookies, options.rounds, chance)
        services.close()


def _run(services: Services, port: int, cookies: Sequence[str], rounds: int, chance: random.Random) -> None:
    print(f"{'':<60} {'p50 ms':>8} {'p99 ms':>8}")
    for who, cookie in (("visitor", ""), ("signed in", cookies[0])):
        for _ in range(8):  # each process has imported, compiled and connected what it needs
            fetch(f"http://{HOST}:{port}/t/{HUB}/?full=1", cookie)
            fetch(f"http://{HOST}:{port}/t/{HUB}/", cookie)
        first, second = first_reads(services, port, cookie, 100)
        _say(f"first read after a change, {who}", first)
        _say(f"second read after a change, {who}", second)
    for who, people in (("visitors", [""] * PEOPLE), ("people who are signed in", cookies[:PEOPLE])):
        asyncio.run(_round(port, people, chance, Rush()))
        rush = Rush()
        asyncio.run(_round(port, people, chance, rush))
        _say(f"{PEOPLE} {who} in a second, nothing changed", rush.pages)
        rush = Rush()
        for number in range(rounds):
            change(services, HUB, f"Number {number} for {who}")
            asyncio.run(_round(port, people, chance, rush))
        _say(f"{PEOPLE} {who} in the second after a change", rush.pages, f"aim {AIM}")
        _say("  the changed fragment", rush.fragments, f"builds per change: {max(rush.builds)} (aim 1)")


if __name__ == "__main__":
    main()
