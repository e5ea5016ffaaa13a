"""What is due reaches the rebuilder: asked for at all events, grown old only where somebody looks."""

from collections import Counter
from collections.abc import Iterable

import fakeredis
import pytest
from sqlalchemy.orm import Session

from hubs.backend.rebuild.timers import ENOUGH, Timers
from hubs.events import viewers
from hubs.events.log import EventLog
from hubs.fragments.builder import ALL
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.models import Database, Hub


class Asked:
    """Stands for the rebuilder: remembers what it was asked for."""

    def __init__(self) -> None:
        self.widgets: list[tuple[int, tuple[int, ...]]] = []
        self.waiting = 0

    def request(self, widget_id: int, stale: Iterable[int] = ()) -> None:
        self.widgets.append((widget_id, tuple(stale)))

    def __len__(self) -> int:
        return self.waiting


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def timers(
    database: Database, due: BuildSchedule, store: fakeredis.FakeRedis, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> Timers:
    stream = EventLog("redis://127.0.0.1:1/0")
    monkeypatch.setattr(EventLog, "client", store)
    return Timers(database, due, stream, asked, 60.0)  # type: ignore[arg-type]


def test_what_was_asked_for_is_computed_wholly_anew(timers: Timers, due: BuildSchedule, asked: Asked) -> None:
    due.request([4, 5])
    timers.tick()
    timers.tick()
    assert Counter(asked.widgets) == Counter({(4, (ALL,)): 1, (5, (ALL,)): 1})


def test_what_grew_old_is_built_only_where_somebody_looks(
    timers: Timers, due: BuildSchedule, asked: Asked, store: fakeredis.FakeRedis, session: Session, team: Hub
) -> None:
    seen, gone = team.widgets[0].id, 99_999
    lonely = next(hub for hub in session.query(Hub) if hub.id != team.id and hub.widgets).widgets[0].id
    for widget in (seen, lonely, gone):
        due.timed(widget, 1.0)
    viewers.announce(store, [f"hub:{team.id}:public:en"])
    timers.tick()
    assert asked.widgets == [(seen, (ALL,))]
    assert store.zrange(KEY, 0, -1) == [f"t{seen}".encode()]


def test_nothing_more_is_taken_while_much_waits(timers: Timers, due: BuildSchedule, asked: Asked) -> None:
    due.request([4])
    asked.waiting = ENOUGH + 1
    timers.tick()
    assert asked.widgets == []
    asked.waiting = 0
    timers.tick()
    assert asked.widgets == [(4, (ALL,))]
