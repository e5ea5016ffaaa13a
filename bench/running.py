"""The services that a benchmark's stack needs, on free ports, and what processes take."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from hubs.demo import fill
from hubs.models import Database, migrations
from hubs.settings import load
from hubs.widgets.registry import Registry
from tests import services
from tests.services import Service


@contextmanager
def addresses(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Run PostgreSQL, memcached and Redis; give the addresses of the empty database, the cache and Redis."""
    with (
        services.postgresql() as (_, postgresql),
        services.memcached(folder) as (_, memcached),
        services.redis_server(folder) as (_, redis),
    ):
        yield (
            f"postgresql+psycopg2://postgres@{services.HOST}:{postgresql}/postgres",
            f"memcached://{services.HOST}:{memcached}",
            f"redis://{services.HOST}:{redis}/0",
        )


def fill_with_demo(env: Mapping[str, str]) -> Database:
    """Fill the empty database of an environment with the demo's people, teams and messages."""
    settings = load(env)
    database = Database(settings.database)
    migrations.upgrade(database)
    fill.fill(database, Registry(), settings)
    return database


def used(processes: Sequence[Service]) -> float:
    """Return the CPU seconds of processes and their children."""
    total = 0.0
    for process in processes:
        parent = psutil.Process(process.process.pid)
        total += sum(parent.cpu_times()[:4])  # with those of children that have ended
        for child in parent.children(recursive=True):
            try:
                total += sum(child.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
    return total


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return float(psutil.Process(pid).memory_info().rss) / 1024**2


def proportional(pid: int) -> float:
    """Return the memory of a process in MB, of which pages that several processes share count in part (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value below which ``share`` percent lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else values[0]
