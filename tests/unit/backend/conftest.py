"""A rebuilder on a real database and cache, and a recorder of what it pushes."""

from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
import redis
from sqlalchemy.orm import Session

from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.fragments.builder import Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub, Widget


class Pushed:
    """Replaces the event log and records what is pushed; the integration tests have a real one."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.channels: list[str] = []
        self.unavailable = False
        self.locales: set[str] = set()
        self.hints: list[tuple[str, int]] = []

    def watched(self, hub_id: int) -> set[str]:
        return self.locales

    def changed(self, hub_id: int, audience: str, locales: list[str], widget_id: int, version: int) -> None:
        self.hints += [(locale, widget_id) for locale in locales]

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        if self.unavailable:
            return None
        self.events.append(data)
        self.channels.append(channel)
        return "id"


class LosesReplies(fakeredis.FakeRedis):
    """Runs a script without confirming it, as often as ``losses`` says."""

    losses = 0

    def eval(self, *args: Any, **options: Any) -> Any:
        reply = super().eval(*args, **options)
        if self.losses:
            self.losses -= 1
            raise redis.ConnectionError("the reply is lost")
        return reply


@pytest.fixture
def pushed() -> Pushed:
    return Pushed()


Make = Callable[..., Rebuilder]


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def schedule(store: fakeredis.FakeRedis) -> BuildSchedule:
    return BuildSchedule(lambda: store)


@pytest.fixture
def make(database: Database, fragments: FragmentStore, pushed: Pushed, schedule: BuildSchedule) -> Iterator[Make]:
    rebuilders: list[Rebuilder] = []

    def make(interval: float = 0.3, budget: float = 10.0, schedule: BuildSchedule = schedule) -> Rebuilder:
        builder = Builder(database, fragments, pushed, schedule, budget)  # type: ignore[arg-type]
        quick, slow = (BoundedThreadPool(name, 3, budget) for name in ("quick", "slow"))
        rebuilder = Rebuilder(builder, quick, slow, interval)
        rebuilder.start()
        rebuilders.append(rebuilder)
        return rebuilder

    yield make
    for rebuilder in rebuilders:
        rebuilder.stop()


@pytest.fixture
def sticky(session: Session, team: Hub) -> Widget:
    return next(row for row in team.widgets if row.plugin == "sticky")
