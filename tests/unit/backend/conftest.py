"""A rebuilder on a real database and cache, and what it pushed."""

from collections.abc import Callable, Iterator
from typing import Any

import fakeredis
import pytest
from sqlalchemy.orm import Session

from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.fragments.builder import Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub, Widget


class Pushed:
    """Stands for Redis, which is the outside here; its real self is in the integration tests."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.channels: list[str] = []
        self.away = False
        self.locales: set[str] = set()
        self.told: list[tuple[str, int]] = []

    def watched(self, hub_id: int) -> set[str]:
        return self.locales

    def changed(self, hub_id: int, audience: str, locale: str, widget_id: int, version: int) -> str | None:
        self.told.append((locale, widget_id))
        return "id"

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> str | None:
        if self.away:
            return None
        self.events.append(data)
        self.channels.append(channel)
        return "id"


@pytest.fixture
def pushed() -> Pushed:
    return Pushed()


Make = Callable[..., Rebuilder]


@pytest.fixture
def store() -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis()


@pytest.fixture
def due(store: fakeredis.FakeRedis) -> BuildSchedule:
    return BuildSchedule(lambda: store)


@pytest.fixture
def make(database: Database, fragments: FragmentStore, pushed: Pushed, due: BuildSchedule) -> Iterator[Make]:
    made: list[Rebuilder] = []

    def make(interval: float = 0.3, budget: float = 10.0, due: BuildSchedule = due) -> Rebuilder:
        builder = Builder(database, fragments, pushed, due, budget)  # type: ignore[arg-type]
        found = Rebuilder(
            builder, BoundedThreadPool("quick", 3, budget), BoundedThreadPool("patient", 3, budget), interval
        )
        found.start()
        made.append(found)
        return found

    yield make
    for found in made:
        found.stop()


@pytest.fixture
def sticky(session: Session, team: Hub) -> Widget:
    return next(row for row in team.widgets if row.plugin == "sticky")
