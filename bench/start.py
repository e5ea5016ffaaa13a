"""Starting: how long imports, commands, a web worker and `hubs up` take, and what web workers hold in memory.

Beside the import of the application stands the import of all it needs from others. The web application runs as its unit
says, with four workers on PostgreSQL, memcached and Redis with the demo's data; its memory is the proportional one
(PSS), after pages of all hubs have been read. `hubs up` starts from a clone of this tree, in which nothing is compiled;
a first page is one that the front page's feed is on.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil  # type: ignore[import-untyped]
from sqlalchemy import select

from bench.running import addresses, fill_with_demo, proportional
from hubs.models import Hub
from tests.services import BIN, HOST, Service, answers, base_env, free_port, listens
from tests.stack import ROOT, command_of, environment

UNIT = ROOT / "deploy" / "systemd" / "hubs-web.service"
#: Lists the modules that the application imports from others, in their order.
_FOREIGN = """
import sys
before = set(sys.modules)
import hubs.app
ours = [name for name in sys.modules if name.partition(".")[0] != "hubs" and name not in before]
print(*(name for name in ours if getattr(sys.modules[name], "__spec__", None)))
"""


def timed(argv: Sequence[str], rounds: int, env: dict[str, str] | None = None) -> tuple[float, float]:
    """Return the seconds of a program and its processor seconds, the medians of some rounds after a first one."""
    wall, cpu = [], []
    for _ in range(rounds + 1):
        before, start = os.times(), time.monotonic()
        done = subprocess.run(argv, check=False, capture_output=True, env=env, cwd=ROOT)  # the doctor finds something
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        wall.append(time.monotonic() - start)
        after = os.times()
        cpu.append(sum(after[2:4]) - sum(before[2:4]))
    return statistics.median(wall[1:]), statistics.median(cpu[1:])


def measure_programs(rounds: int) -> None:
    """Print how long imports and commands take."""
    python = sys.executable
    names = subprocess.run([python, "-c", _FOREIGN], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    foreign = f"import importlib\nfor name in {names.split()}:\n    importlib.import_module(name)"
    programs = {
        "python, nothing imported": [python, "-c", "pass"],
        "import hubs.app (aim 0.6 s)": [python, "-c", "import hubs.app"],
        "  what it imports from others, alone": [python, "-c", foreign],
        "hubs --version": [str(BIN / "hubs"), "--version"],
        "hubs doctor": [str(BIN / "hubs"), "doctor"],
    }
    print(f"{'':<42} {'seconds':>8} {'processor':>10}")
    with tempfile.TemporaryDirectory() as name:
        env = {**base_env(), "HUBS_DATA_DIR": name}
        for what, argv in programs.items():
            print(f"{what:<42} {'{:>8.2f} {:>10.2f}'.format(*timed(argv, rounds, env))}", flush=True)


@contextmanager
def web(env: dict[str, str], folder: Path, workers: int) -> Iterator[Service]:
    """Run the web application as its unit does."""
    argv = command_of(UNIT)
    argv[argv.index("--bind") + 1] = f"{HOST}:{env['HUBS_SITE_URL'].rsplit(':', 1)[1]}"
    argv[argv.index("--workers") + 1] = str(workers)
    service = Service(argv, folder, "web", env, cwd=ROOT)
    try:
        yield service.ready(lambda: answers(f"{env['HUBS_SITE_URL']}/healthz"))
    finally:
        service.stop()


def read(url: str) -> float:
    """Read a page; return the milliseconds it took."""
    start = time.monotonic()
    with urlopen(url, timeout=60) as answer:
        answer.read()
    return 1000 * (time.monotonic() - start)


def measure_web(folder: Path, passes: int) -> None:
    """Print the memory of the unit's workers, and how soon a new worker answers."""
    with addresses(folder) as urls:
        env, _ = environment(folder, *urls, {"HUBS_PUBLISH": "0"})
        database = fill_with_demo(env)
        with database.session() as session:
            hubs = session.execute(select(Hub.kind, Hub.name).order_by(Hub.kind.desc(), Hub.name)).all()
        database.dispose()
        paths = [*(f"/{'t' if kind == 'team' else 'u'}/{name}/" for kind, name in hubs), "/", "/teams/", "/people/"]
        pages = [env["HUBS_SITE_URL"] + path for path in paths]
        with web(env, folder, 4) as service:
            print_memory(service.process.pid, pages, passes)
        for _ in range(3):
            print_first_pages(env, folder, [pages[0], pages[0], pages[1], pages[-3], pages[-3]])


def print_memory(arbiter: int, pages: Sequence[str], passes: int) -> None:
    """Print the memory of four workers before and after they have read the pages some times."""
    workers = [worker.pid for worker in psutil.Process(arbiter).children()]
    fresh = [proportional(worker) for worker in workers]
    for _ in range(passes):
        for page in pages:
            read(page)
    busy = [proportional(worker) for worker in workers]
    print(f"\nPSS of four web workers, MB each: {_row(fresh)}")
    print(f"  after {passes * len(pages)} pages: {_row(busy)} (aim 90); of their arbiter: {proportional(arbiter):.0f}")


def print_first_pages(env: dict[str, str], folder: Path, pages: Sequence[str]) -> None:
    """Start a worker, and print how soon it answers and how long its first pages take."""
    start = time.monotonic()
    with web(env, folder, 1):
        ready = time.monotonic() - start
        took = [read(page) for page in pages]
    what = "a team, the same, another, front, the same"
    print(f"a new worker answers after {ready:.2f} s; its first pages ({what}), ms: {_row(took)}", flush=True)


def _row(values: Sequence[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


def measure_up(folder: Path) -> None:
    """Print the seconds from `hubs up` in a fresh clone to its front page, and those of a second start."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(clone)], check=True)
    for what in ("in a fresh clone", "there again"):
        page, stream = start_instance(clone, folder)
        print(f"hubs up {what}: the front page after {page:.1f} s (aim 20), streams after {stream:.1f} s", flush=True)


def start_instance(clone: Path, folder: Path) -> tuple[float, float]:
    """Start an instance and stop it; return the seconds until its front page and its event server answered."""
    port = free_port()
    while any(listens(port + offset) for offset in range(7)):
        port = free_port()
    env = {**base_env(), "PYTHONPATH": str(clone)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.monotonic()
    service = Service([sys.executable, "-m", "hubs", "up", "--port", str(port)], folder, "up", env, cwd=clone)
    try:
        service.ready(lambda: answers(f"http://{HOST}:{port}/"), 180)
        page = time.monotonic() - start
        service.ready(lambda: answers(f"http://{HOST}:{port + 1}/healthz"), 180)
        return page, time.monotonic() - start
    finally:
        service.stop(30)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="starts of each program")
    parser.add_argument("--passes", type=int, default=12, help="how often every page is read before memory is measured")
    parser.add_argument("--only", choices=("programs", "web", "up"), help="measure only this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.only in (None, "programs"):
            measure_programs(options.rounds)
        if options.only in (None, "web"):
            measure_web(Path(name), options.passes)
        if options.only in (None, "up"):
            measure_up(Path(name))


if __name__ == "__main__":
    main()
