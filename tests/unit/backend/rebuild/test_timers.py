"""Due widgets reach the rebuilder: requested ones always, expired ones only if their hub has viewers."""

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


class Requests:
    """Replaces the rebuilder and records its requests."""

    def __init__(self) -> None:
        self.widgets: list[tuple[int, tuple[int, ...]]] = []
        self.hurried: list[int] = []
        self.lonely: dict[int, int] = {}
        self.waiting = 0

    def request(self, widget_id: int, stale: Iterable[int] = (), *, interactive: bool = False) -> None:
        if interactive:
            self.hurried.append(widget_id)
        else:
            self.widgets.append((widget_id, tuple(stale)))

    def unseen(self) -> dict[int, int]:
        return self.lonely

    def __len__(self) -> int:
        return self.waiting


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
def timers(
    database: Database,
    schedule: BuildSchedule,
    store: fakeredis.FakeRedis,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
) -> Timers:
    events = EventLog("redis://127.0.0.1:1/0")
    monkeypatch.setattr(EventLog, "client", store)
    return Timers(database, schedule, events, requests, 60.0)  # type: ignore[arg-type]


def test_requested_widgets_are_recomputed_completely(
    timers: Timers, schedule: BuildSchedule, requests: Requests
) -> None:
    schedule.request([4, 5])
    timers.tick()
    timers.tick()
    assert Counter(requests.widgets) == Counter({(4, (ALL,)): 1, (5, (ALL,)): 1})


def test_expired_widgets_are_built_only_with_viewers(
    timers: Timers, schedule: BuildSchedule, requests: Requests, store: fakeredis.FakeRedis, session: Session, team: Hub
) -> None:
    watched, removed = team.widgets[0].id, 99_999
    lonely = next(hub for hub in session.query(Hub) if hub.id != team.id and hub.widgets).widgets[0].id
    for widget in (watched, lonely, removed):
        schedule.timed(widget, 1.0)
    viewers.announce(store, [f"hub:{team.id}:public:en"])
    timers.tick()
    assert requests.widgets == [(watched, (ALL,))]
    assert store.zrange(KEY, 0, -1) == [f"t{watched}".encode()]


def test_nothing_is_taken_while_many_widgets_wait(timers: Timers, schedule: BuildSchedule, requests: Requests) -> None:
    schedule.request([4])
    requests.waiting = ENOUGH + 1
    timers.tick()
    assert requests.widgets == []
    requests.waiting = 0
    timers.tick()
    assert requests.widgets == [(4, (ALL,))]


def test_widgets_that_wait_unseen_are_built_once_somebody_opens_their_hub(
    timers: Timers, requests: Requests, store: fakeredis.FakeRedis
) -> None:
    requests.lonely = {4: 1, 5: 1, 6: 2}
    timers.tick()
    assert requests.hurried == []
    viewers.announce(store, ["hub:1:public:de"])
    timers.tick()
    assert requests.hurried == [4, 5]
    assert requests.widgets == []
