"""Cached pages: a widget's fragment and a hub of twelve widgets, beside nginx and the least that Flask can do.

wrk sends requests over loopback with 16 and with 64 connections. Every server has two processes; everything is on two
cores, so a figure counts what wrk, the cache and the database take as well. PostgreSQL, memcached, Redis and nginx are
real.
"""

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent.parent))

from pymemcache.client.base import Client

from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.people import roles
from hubs.models import Database, Hub, RoleName, User, migrations
from hubs.permissions import person
from hubs.widgets.registry import Registry
from tests import services
from tests.nginx import nginx
from tests.services import BIN, HOST, Service, answers, free_port
from tests.stack import ROOT, environment

CONNECTIONS = (16, 64)
CLASSES = {
    "sync": ["--worker-class", "sync"],
    "gthread": ["--worker-class", "gthread", "--threads", "4"],
    "gevent": ["--worker-class", "gevent"],
}
#: Hubs that the signed-in reader has a role on.
BOOKMARKED = 8


@dataclass(frozen=True)
class Figure:
    """What wrk found: requests per second, and milliseconds for the slowest of half and of 99 in a hundred."""

    rate: float
    p50: str
    p99: str


def wrk(url: str, connections: int, seconds: int, headers: dict[str, str]) -> Figure:
    """Ask a URL as often as possible; every answer must be a success."""
    argv = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]
    out = subprocess.run([*argv, url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, f"{url}:\n{out}"
    latencies = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", out, re.M))
    assert set(latencies) == {"50", "99"}, f"{url}:\n{out}"
    return Figure(float(re.findall(r"Requests/sec:\s+(\S+)", out)[0]), latencies["50"], latencies["99"])


@contextlib.contextmanager
def gunicorn(application: str, env: dict[str, str], folder: Path, kind: str, ready: str) -> Iterator[int]:
    """Run an application on two workers; give its port."""
    port = free_port()
    argv = [str(BIN / "gunicorn"), "--no-control-socket", "--workers", "2", *CLASSES[kind], "--bind", f"{HOST}:{port}"]
    service = Service([*argv, application], folder, f"{kind}-{port}", env, cwd=ROOT)
    try:
        service.ready(lambda: answers(f"http://{HOST}:{port}{ready}"))
        yield port
    finally:
        service.stop()


def fill(database: Database) -> tuple[int, str]:
    """Make a hub of twelve widgets and a reader with roles and bookmarks; return the first widget and the reader."""
    registry = Registry()
    migrations.upgrade(database)
    with database.transaction() as session:
        reader = roles.sign_up(session, registry, "reader", "Rea Der")
        for number in range(BOOKMARKED):
            hub_actions.create(session, registry, reader, "team", f"team-{number}", {"display_name": f"Team {number}"})
        values = {"summary": "Measured again and again.", "description": "A *hub* with\n\n* two\n* points\n"}
        hub = hub_actions.create(session, registry, reader, "team", "twelve", values)
        session.flush()
        session.refresh(reader, ["roles"])
        who = person(reader.id, reader.username, reader.roles)
        roles.take_role(session, who, hub, RoleName.SUBSCRIBER)
        while len(hub.widgets) < 12:
            text = f"Number {len(hub.widgets)}: " + "what a widget says, with a [link](https://example.org). " * 20
            widgets.add(session, registry, who, hub, "about", "left", {"text": text})
        session.flush()
        return hub.widgets[-1].id, reader.username


def sign_in(url: str, username: str) -> str:
    """Return the cookie of somebody who signed in."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{url}/login").read().decode()
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    browser.open(f"{url}/login", urlencode({"username": username, "csrf_token": token}).encode()).read()
    browser.open(f"{url}/t/twelve/").read()  # takes the notes that signing in left
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def fetch(url: str, cookie: str = "") -> tuple[bytes, str]:
    """Return an answer's body and its entity tag."""
    request = urllib.request.Request(url, headers={"Cookie": cookie} if cookie else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read(), answer.headers.get("ETag") or ""


@dataclass
class Bench:
    """One run: what was measured so far."""

    seconds: int

    def row(self, what: str, url: str, peers: tuple[float, ...] = (), **headers: str) -> tuple[float, ...]:
        """Measure a URL with each number of connections and print a line; return the requests per second."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        wrk(url, 16, 1, named)  # warm
        figures = [wrk(url, connections, self.seconds, named) for connections in CONNECTIONS]
        cells = [f"{figure.rate:>9,.0f} {figure.p50:>9} {figure.p99:>9}" for figure in figures]
        shares = [f"{figure.rate / peer:>5.0%}" for figure, peer in zip(figures, peers, strict=False)]
        print(f"{what:<52} {' '.join(cells)}  {' '.join(shares)}", flush=True)
        return tuple(figure.rate for figure in figures)


def measure(bench: Bench, kind: str, folder: Path, database_url: str, memcached: int, redis: int) -> None:
    """Measure everything with one class of gunicorn's workers."""
    database = Database(database_url)
    with database.session() as session:
        hub = session.query(Hub).filter_by(name="twelve").one()
        number = hub.widgets[-1].id
        username = session.query(User).filter_by(username="reader").one().username
    database.dispose()
    addresses = database_url, f"memcached://{HOST}:{memcached}", f"redis://{HOST}:{redis}/0"
    env, _ = environment(folder, *addresses, {"BENCH_MEMCACHED": f"{HOST}:{memcached}", "HUBS_PUBLISH": "0"})
    with gunicorn("hubs.wsgi:application", env, folder, kind, "/healthz") as port:
        url = f"http://{HOST}:{port}"
        fetch(f"{url}/t/twelve/?full=1")
        cookie = sign_in(url, username)
        address = f"{url}/w/{number}/fragment?lang=en"
        body, tag = fetch(address)
        page, page_tag = fetch(f"{url}/t/twelve/")
        assert page.count(b'class="widget"') == 12, "the page has not all its widgets"
        assert b"data-load" not in page, "a widget of the page is not in the cache"
        client = Client((HOST, memcached))
        for place in range(12):
            client.set(f"peer:{place}", body)
        print(f"\ngunicorn {kind}, 2 workers; fragment {len(body):,} bytes, page {len(page):,} bytes")
        with gunicorn("bench.flask_peers:application", env, folder, kind, "/fragment") as peer:
            least = bench.row("peer: minimal Flask view, one get", f"http://{HOST}:{peer}/fragment")
            joining = bench.row("peer: Flask view that joins 12 of one get_many", f"http://{HOST}:{peer}/page")
        bench.row("Hubs: fragment", address, least)
        bench.row("Hubs: fragment, signed in", address, least, Cookie=cookie)
        bench.row("Hubs: fragment, 304", address, least, If_None_Match=tag)
        bench.row("Hubs: page of 12 widgets", f"{url}/t/twelve/", joining)
        bench.row("Hubs: page of 12 widgets, signed in", f"{url}/t/twelve/", joining, Cookie=cookie)
        bench.row("Hubs: page of 12 widgets, 304", f"{url}/t/twelve/", joining, If_None_Match=page_tag)
        with nginx(folder, memcached, port, port) as front:
            limit = bench.row("peer: nginx memcached_pass", f"http://{HOST}:{front.plain}/peer:0")
            served = f"http://{HOST}:{front.port}/w/{number}/fragment?lang=en"
            fetch(served)
            bench.row("Hubs: fragment by deploy/nginx", served, limit)


def main() -> None:
    """Start the services, measure each class of workers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of each measurement")
    parser.add_argument(
        "--classes", nargs="*", default=["gthread"], choices=list(CLASSES), help="of gunicorn's workers"
    )
    options = parser.parse_args()
    assert shutil.which("wrk"), "wrk is not installed: run tests/install-services wrk"
    folder = Path(tempfile.mkdtemp(prefix="hubs-bench-"))
    head = " ".join(f"{f'{count} conn. /s':>9} {'p50':>9} {'p99':>9}" for count in CONNECTIONS)
    with services.postgresql() as (_, pg), services.memcached(folder) as (_, memcached):
        with services.redis_server(folder) as (_, redis):
            database_url = f"postgresql+psycopg2://postgres@{HOST}:{pg}/postgres"
            database = Database(database_url)
            fill(database)
            database.dispose()
            print(f"{'':<52} {head}  of the peer")
            for kind in options.classes:
                measure(Bench(options.seconds), kind, folder, database_url, memcached, redis)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
