"""Memory: what a web worker and the daemon may hold, the daemon with ten thousand widgets."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubs.actions import people
from hubs.models import Database, migrations
from hubs.widgets.registry import Registry
from tests.services import wait_for
from tests.stack import Stack, stack

#: Widgets of the daemon that is measured; a new person's hub has four.
WIDGETS = 10_000
#: Most resident megabytes.
WEB, HUB = 150, 250


@pytest.fixture(scope="module")
def crowded(
    database_url: str, memcached: int, redis_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Give a stack with many hubs."""
    database, registry = Database(database_url), Registry()
    migrations.upgrade(database)
    for start in range(0, WIDGETS // 4, 250):
        with database.transaction() as session:
            for number in range(start, start + 250):
                people.sign_up(session, registry, f"person{number:05d}")
    database.dispose()
    folder: Path = tmp_path_factory.mktemp("crowded")
    addresses = database_url, f"memcached://127.0.0.1:{memcached}", f"redis://127.0.0.1:{redis_port}/0"
    with stack(folder, *addresses) as found:
        yield found


def resident(pid: int) -> float:
    """Return the resident megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def test_daemon_and_web_workers_stay_small(crowded: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    bus = crowded.bus()
    for number in range(2000):
        bus.send("org.fedoraproject.dev.wiki.article.edit", {"user": f"person{number % 500:05d}", "title": "x"})
    for number in range(60):
        crowded.get(f"/u/person{number:05d}/?full=1")
    hub = crowded.services["hub"]
    wait_for(lambda: "hubs are in the index" in hub.log(), "the index")
    bus.close()
    children = subprocess.run(
        ["pgrep", "-P", str(crowded.services["web"].process.pid)], capture_output=True, text=True, check=True
    )
    web = max(resident(int(pid)) for pid in children.stdout.split())
    daemon = resident(hub.process.pid)
    with capsys.disabled():
        print(f"\nresident: daemon {daemon:.0f} MB with {WIDGETS} widgets, web worker {web:.0f} MB")
    assert daemon <= HUB
    assert web <= WEB
