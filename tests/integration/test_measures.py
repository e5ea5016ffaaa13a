"""Memory: what a web worker and the daemon may hold, the daemon with ten thousand widgets."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from hubs.actions.people import roles
from hubs.models import Database, Hub
from hubs.models.base import Base
from hubs.widgets.registry import Registry
from tests.services import wait_for
from tests.stack import Stack, own_stack

#: Widgets of the daemon that is measured; a new person's hub has four.
WIDGETS = 10_000
#: Most resident megabytes.
WEB, HUB = 175, 250


@pytest.fixture(scope="module")
def crowded(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack with many hubs."""
    database = Database(database_url)
    with database.transaction() as session:
        _fill(session)
    database.dispose()
    with own_stack(tmp_path_factory.mktemp("crowded"), database_url) as crowded:
        yield crowded


def _fill(session: Session) -> None:
    """Sign one person up, and copy that person, the hub, its roles and widgets until there are enough."""
    user = roles.sign_up(session, Registry(), "person00000")
    session.flush()
    hub = session.query(Hub).filter_by(user_id=user.id).one()
    names = [{"username": f"person{number:05d}"} for number in range(1, WIDGETS // 4)]
    users = _copy(session, user, names)
    theirs = [{"name": name["username"], "user_id": number} for name, number in zip(names, users, strict=True)]
    hubs = _copy(session, hub, theirs)
    for role in hub.roles:
        _copy(session, role, [{"hub_id": hub_id, "user_id": other} for hub_id, other in zip(hubs, users, strict=True)])
    for widget in hub.widgets:
        _copy(session, widget, [{"hub_id": hub_id} for hub_id in hubs])


def _copy(session: Session, row: Base, changes: list[dict[str, object]]) -> list[int]:
    """Insert copies of a row, each with its changes; return their ids in the same order."""
    session.refresh(row)
    columns = [column.key for column in inspect(type(row)).column_attrs if column.key != "id"]
    values = {name: getattr(row, name) for name in columns}
    statement = insert(type(row)).returning(inspect(type(row)).primary_key[0], sort_by_parameter_order=True)
    return list(session.scalars(statement, [{**values, **one} for one in changes]))


def resident(pid: int) -> float:
    """Return the resident megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
def test_daemon_and_web_workers_stay_small(crowded: Stack, tell: Callable[[str], None]) -> None:
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
    tell(f"resident: daemon {daemon:.0f} MB with {WIDGETS} widgets, web worker {web:.0f} MB")
    assert daemon <= HUB
    assert web <= WEB
