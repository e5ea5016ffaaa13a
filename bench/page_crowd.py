"""Pages for a crowd: a thousand readers on two hundred hubs, as on a release day, beside a plain Flask application.

Each reader has roles on 1 to 20 hubs and 1 to 30 bookmarks; hubs are visited by Zipf's law. wrk sends the requests of
a recorded sample over loopback. Beside Hubs stand a Flask view that joins twelve entries of one look-up, and a plain
Flask page with SQLAlchemy and Jinja of about the same content. Each server has two processes; processor time is that
of the server's processes alone, without wrk, PostgreSQL and memcached.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil  # type: ignore[import-untyped]
from pymemcache.client.base import Client
from sqlalchemy import insert, select

from bench.pages import fetch, gunicorn
from bench.running import addresses
from hubs.actions import hubs as hub_actions
from hubs.actions import widgets
from hubs.actions.people import roles, sessions
from hubs.app import create_app
from hubs.models import Bookmark, Database, Hub, Role, RoleName, User, Widget, migrations
from hubs.permissions import person
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests.services import HOST
from tests.stack import environment

READERS, HUBS, WIDGETS = 1000, 200, 12
#: Requests of the sample, which wrk repeats; more than any process could keep pages of.
SAMPLE = 20_000
CONNECTIONS = 64
_SCRIPT = """
local requests, position = {}, 0
for line in io.lines(os.getenv("SAMPLE")) do
  local path, cookie = line:match("^(%S+) ?(.*)$")
  local headers = {["Accept"] = os.getenv("ACCEPT")}
  if cookie ~= "" then headers["Cookie"] = cookie end
  requests[#requests + 1] = {path, headers}
end
local threads = 0
function setup(thread) thread:set("offset", threads * 7919); threads = threads + 1 end
function request()
  position = position + 1
  local entry = requests[(position + offset) % #requests + 1]
  return wrk.format("GET", entry[1], entry[2])
end
"""


@dataclass(frozen=True)
class Figure:
    """Requests per second, milliseconds of processor time of each, and latencies of half and of 99 in a hundred."""

    rate: float
    cpu: float
    p50: str
    p99: str


def fill(database: Database, chance: random.Random) -> None:
    """Create the hubs with their widgets, and the readers with their roles and bookmarks."""
    registry = Registry()
    migrations.upgrade(database)
    with database.transaction() as session:
        owner = roles.sign_up(session, registry, "owner", "Olive Owner")
        for number in range(HUBS):
            values = {"display_name": f"Team {number}", "summary": "Guides that a newcomer can follow to the end."}
            hub = hub_actions.create(session, registry, owner, "team", f"team-{number}", values)
            session.refresh(owner, ["roles"])
            creator = person(owner.id, owner.username, owner.roles)
            while len(hub.widgets) < WIDGETS:
                text = f"Number {len(hub.widgets)}: " + "what a widget says, with a [link](https://example.org). " * 20
                widgets.add(session, registry, creator, hub, "about", "left", {"text": text})
        for number in range(READERS):
            session.add(User(username=f"reader{number}", fullname=f"Reader {number}"))
        session.flush()
        hubs = list(session.scalars(select(Hub.id).where(Hub.kind == "team").order_by(Hub.id)))
        readers = session.scalars(select(User.id).where(User.id != owner.id).order_by(User.id)).all()
        members, marks = [], []
        for reader in readers:
            for hub_id in chance.sample(hubs, chance.randint(1, 20)):
                members.append({"hub_id": hub_id, "user_id": reader, "role": RoleName.MEMBER})
            chosen = chance.sample(hubs, chance.randint(1, 30))
            marks += [{"user_id": reader, "hub_id": hub_id, "position": place} for place, hub_id in enumerate(chosen)]
        session.execute(insert(Role), members)
        session.execute(insert(Bookmark), marks)


def sign_in_all(database: Database, env: dict[str, str]) -> list[str]:
    """Sign every reader in; return the cookies."""
    app = create_app(load({name: value for name, value in env.items() if name.startswith("HUBS_")}))
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    with database.transaction() as session:
        users = session.scalars(select(User).where(User.username.startswith("reader"))).all()
        keys = {user.id: sessions.start(session, user, 86_400) for user in users}
    secret = "0" * 40
    return [
        "hubs=" + serializer.dumps({"user": user, "key": key, "seen": int(time.time()), "csrf_token": secret})
        for user, key in keys.items()
    ]


def write_sample(path: Path, paths: Sequence[str], cookies: Sequence[str], chance: random.Random) -> None:
    """Write the requests of a crowd: readers at random, pages by Zipf's law."""
    weights = [1 / rank for rank in range(1, len(paths) + 1)]
    chosen = chance.choices(paths, weights, k=SAMPLE)
    lines = (f"{target} {chance.choice(cookies)}" if cookies else target for target in chosen)
    path.write_text("\n".join(lines) + "\n")


def measure(port: int, sample: Path, seconds: int, warm: int = 0, accept: str = "*/*") -> Figure:
    """Send the requests of a sample for some seconds, after ``warm`` seconds that do not count.

    A browser that loads a page accepts ``text/html``, a script anything. Every answer must be a success.
    """
    if warm:
        measure(port, sample, warm)
    script = sample.with_suffix(".lua")
    script.write_text(_SCRIPT)
    # The arbiter and its workers have the same arguments. Looking for who listens finds only one of them.
    family = {process for process in psutil.process_iter() if f"{HOST}:{port}" in _arguments(process)}
    before = _cpu(family)
    argv = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), f"http://{HOST}:{port}/"]
    variables = {"SAMPLE": str(sample), "ACCEPT": accept}
    out = subprocess.run(argv, env=variables, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    used = _cpu(family) - before
    count = int(re.findall(r"(\d+) requests in", out)[0])
    p50, p99 = (re.findall(rf"^\s+{share}%\s+(\S+)\s*$", out, re.M)[0] for share in (50, 99))
    return Figure(float(re.findall(r"Requests/sec:\s+(\S+)", out)[0]), used / count * 1000, p50, p99)


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return cast("list[str]", process.cmdline())
    except psutil.Error:  # it ended, or is a zombie
        return []


def _cpu(processes: set[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _say(what: str, figure: Figure, peer: Figure | None = None) -> None:
    share = f"{figure.rate / peer.rate:>5.0%}" if peer else ""
    print(f"{what:<56} {figure.rate:>8,.0f} {figure.cpu:>9.2f} {figure.p50:>9} {figure.p99:>9}  {share}", flush=True)


def main() -> None:
    """Start the services, fill the database, and print one row for each kind of reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="length of each measurement")
    parser.add_argument("--warm", type=int, default=20, help="seconds for which each crowd reads before it is measured")
    options = parser.parse_args()
    assert shutil.which("wrk"), "wrk is not installed: run tests/install-services wrk"
    folder, chance = Path(tempfile.mkdtemp(prefix="hubs-bench-")), random.Random(1)
    with addresses(folder) as (database_url, cache_url, redis_url):
        database = Database(database_url)
        fill(database, chance)
        memcached = cache_url.removeprefix("memcached://")
        extra = {"BENCH_MEMCACHED": memcached, "BENCH_DATABASE": database_url, "HUBS_PUBLISH": "0"}
        env, _ = environment(folder, database_url, cache_url, redis_url, extra)
        cookies = sign_in_all(database, env)
        _run(folder, env, cookies, options, chance)
        database.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def _run(
    folder: Path, env: dict[str, str], cookies: list[str], options: argparse.Namespace, chance: random.Random
) -> None:
    seconds = options.seconds
    paths = [f"/t/team-{number}/" for number in range(HUBS)]
    chance.shuffle(paths)
    visitors, readers = folder / "visitors", folder / "readers"
    write_sample(visitors, paths, [], chance)
    write_sample(readers, paths, cookies, chance)
    print(f"{'':<56} {'pages/s':>8} {'CPU ms':>9} {'p50':>9} {'p99':>9}  of joining view")
    with gunicorn("bench.every_visit:application", env, folder, "gthread", "/healthz") as port:
        url = f"http://{HOST}:{port}"
        for path in paths:  # builds what is not in the cache yet
            fetch(f"{url}{path}?full=1")
        page = fetch(url + paths[0])[0]
        assert page.count(b'class="widget"') == WIDGETS, "the page has not all its widgets"
        _fill_peer(env["BENCH_MEMCACHED"], url, env["BENCH_DATABASE"])
        with gunicorn("bench.flask_peers:application", env, folder, "gthread", "/fragment") as peer_port:
            joining_sample, plain_sample = folder / "joining", folder / "plain"
            joining_sample.write_text("/page\n")
            plain_sample.write_text("\n".join(f"/plain{path}" for path in paths) + "\n")
            joining = measure(peer_port, joining_sample, seconds)
            _say("peer: Flask view that joins 12 of one get_many", joining)
            _say("peer: Flask, SQLAlchemy and Jinja, same content", measure(peer_port, plain_sample, seconds), joining)
        for who, sample in (("visitors", visitors), (f"{READERS} signed-in readers", readers)):
            _say(f"Hubs: {who} on {HUBS} hubs, after a start", measure(port, sample, seconds), joining)
            _say(f"Hubs: {who} on {HUBS} hubs", measure(port, sample, seconds, options.warm), joining)
            _forget_all(env["BENCH_MEMCACHED"])
            _say("  the first seconds after the cache lost everything", measure(port, sample, seconds), joining)
            _say("  and after that", measure(port, sample, seconds, options.warm), joining)
        noted = measure(port, readers, seconds, accept="text/html")
        _say("Hubs: each page load of a reader notes a visit", noted, joining)


def _forget_all(memcached: str) -> None:
    """Make every entry of the cache expire: fragments, pages, and the versions that tell whether these are current."""
    _client(memcached).flush_all(noreply=False)


def _client(memcached: str) -> Client:
    host, port = memcached.split(":")
    return Client((host, int(port)))


def _fill_peer(memcached: str, url: str, database_url: str) -> None:
    """Put the fragments of one hub where the peers read them."""
    client, database = _client(memcached), Database(database_url)
    with database.session() as session:
        numbers = session.scalars(select(Widget.id).join(Hub).where(Hub.name == "team-0").order_by(Widget.id)).all()
    database.dispose()
    for place, number in enumerate(numbers[:WIDGETS]):
        client.set(f"peer:{place}", fetch(f"{url}/w/{number}/fragment?lang=en")[0])


if __name__ == "__main__":
    main()
