"""How a worker process handles a task; Celery itself is in the integration tests."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace

import fakeredis
import pytest
import redis
from celery.contrib.testing.worker import start_worker
from sqlalchemy.exc import OperationalError as DatabaseError
from sqlalchemy.orm import Session

from hubs import logs
from hubs.backend import worker as worker_module
from hubs.backend.rebuild.celery_queue import sender
from hubs.backend.rebuild.leases import QueuedBuilds
from hubs.backend.worker import TRIES, WorkerProcess, create_worker
from hubs.fragments.schedule import KEY, BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Hub
from hubs.settings import Settings
from tests.services import wait_for
from tests.unit.backend.conftest import LosesReplies
from tests.unit.backend.rebuild.test_celery_queue import Sent


class Building:
    """Replaces the builder; ``act`` is what a build does."""

    def __init__(self) -> None:
        self.built: list[tuple[int, set[int]]] = []
        self.given_up: list[Exception | None] = []
        self.act: Callable[[], float | None] = lambda: None

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        self.built.append((widget_id, set(stale)))
        return self.act()

    def give_up(self, widget_id: int, error: Exception | None = None) -> float | None:
        self.given_up.append(error)
        return None


@pytest.fixture
def jobs(store: fakeredis.FakeRedis) -> QueuedBuilds:
    return QueuedBuilds(lambda: store)


@pytest.fixture
def building() -> Building:
    return Building()


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def widget(session: Session, team: Hub) -> int:
    return team.widgets[0].id


@pytest.fixture
def worker(
    database: Database, fragments: FragmentStore, building: Building, store: fakeredis.FakeRedis, jobs: QueuedBuilds
) -> Iterator[WorkerProcess]:
    schedule, pool = BuildSchedule(lambda: store), BoundedThreadPool("test", 1, 0.3, 4)
    yield WorkerProcess(database, fragments, building, schedule, jobs, pool, 30.0)  # type: ignore[arg-type]
    pool.stop(1.0)


def take(worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, widget: int, *stale: int) -> None:
    lease_token = jobs.enqueue(widget, stale)
    assert lease_token is not None
    worker.handle(widget, lease_token, sent)


def test_a_task_builds_its_widget_once(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int
) -> None:
    lease_token = jobs.enqueue(widget, [1, 2]) or ""
    worker.handle(widget, lease_token, sent)
    worker.handle(widget, lease_token, sent)
    worker.handle(widget, "another", sent)
    assert building.built == [(widget, {1, 2})]
    assert sent.tasks == []


def test_a_widget_becomes_due_again_if_the_worker_dies(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int, store: fakeredis.FakeRedis
) -> None:
    scheduled: list[bool] = []
    building.act = lambda: scheduled.append(store.zscore(KEY, str(widget)) is not None)
    take(worker, jobs, sent, widget)
    assert scheduled == [True]


def test_the_time_until_a_widget_is_built_counts_from_when_its_task_was_due(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int
) -> None:
    lease_token = jobs.enqueue(widget, [1]) or ""
    building.act = lambda: 0.5  # busy
    worker.handle(widget, lease_token, sent, time.time() - 20)
    assert sum(worker.built_after.counts) == 0
    building.act = lambda: None
    worker.handle(widget, lease_token, sent, time.time() - 20)
    assert sum(worker.built_after.counts) == 1
    assert 20 <= worker.built_after.total < 25


def test_requests_during_the_build_are_one_more_task(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int
) -> None:
    def ask() -> None:
        assert jobs.enqueue(widget, [5]) is None
        assert jobs.enqueue(widget, [6]) is None

    building.act = ask
    take(worker, jobs, sent, widget, 1)
    building.act = lambda: None
    ((_, lease_token, delay),) = sent.tasks
    assert delay == 0.0
    worker.handle(widget, lease_token, sent)
    assert building.built == [(widget, {1}), (widget, {5, 6})]


@pytest.mark.parametrize("failure", [None, DatabaseError("", None, Exception("unavailable"))], ids=["busy", "database"])
def test_a_postponed_build_keeps_the_functions_to_recompute(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int, failure: Exception | None
) -> None:
    def busy() -> float:
        if failure is not None:
            raise failure
        return 0.5

    building.act = busy
    take(worker, jobs, sent, widget, 1)
    ((_, lease_token, delay),) = sent.tasks
    assert delay > 0
    building.act = lambda: None
    worker.handle(widget, lease_token, sent)
    assert building.built == [(widget, {1}), (widget, {1})]


def test_a_widget_is_built_again_after_an_unexpected_error(
    worker: WorkerProcess,
    jobs: QueuedBuilds,
    sent: Sent,
    building: Building,
    widget: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> float:
        raise LookupError("a bug")

    building.act = fail
    take(worker, jobs, sent, widget)
    assert "cannot be rebuilt" in caplog.text
    take(worker, jobs, sent, widget)
    assert len(building.built) == 2


def test_a_build_beyond_its_budget_is_abandoned_and_the_next_one_starts(
    worker: WorkerProcess, jobs: QueuedBuilds, sent: Sent, building: Building, widget: int
) -> None:
    stuck = threading.Event()
    building.act = lambda: None if stuck.wait(10) else 0.0
    take(worker, jobs, sent, widget)
    assert building.given_up == [None]
    building.act = lambda: None
    take(worker, jobs, sent, widget)
    assert len(building.built) == 2
    stuck.set()


def test_a_widget_that_kills_its_workers_is_quarantined_until_it_is_changed(
    worker: WorkerProcess,
    jobs: QueuedBuilds,
    sent: Sent,
    building: Building,
    session: Session,
    team: Hub,
    fragments: FragmentStore,
) -> None:
    row = team.widgets[0]
    for _ in range(TRIES):
        jobs.record_attempt(fragments.key(row))  # and never came back
    take(worker, jobs, sent, row.id)
    take(worker, jobs, sent, row.id)
    assert building.built == []
    assert [str(error).startswith("its last 3 builds ended the process") for error in building.given_up] == [True] * 2
    row.version += 1
    session.commit()
    take(worker, jobs, sent, row.id)
    assert len(building.built) == 1


@pytest.mark.parametrize("lost", [1, 2], ids=["lease", "end"])
def test_replies_that_are_lost_leave_no_widget_leased(
    database: Database,
    fragments: FragmentStore,
    building: Building,
    sent: Sent,
    widget: int,
    lost: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "WAITS", (0.01,) * 3)
    store = LosesReplies()
    jobs, pool = QueuedBuilds(lambda: store), BoundedThreadPool("test", 1, 0.3, 4)
    worker = WorkerProcess(database, fragments, building, BuildSchedule(lambda: store), jobs, pool, 30.0)  # type: ignore[arg-type]

    def ask() -> None:
        jobs.enqueue(widget, [5])
        store.losses = lost - 1

    building.act = ask
    token = jobs.enqueue(widget, [1]) or ""
    store.losses = 2 - lost
    worker.handle(widget, token, sent)
    assert building.built == [(widget, {1})]
    ((_, token, _),) = sent.tasks
    assert jobs.acquire(widget, token, 30.0) == {5}
    pool.stop(1.0)


def test_a_build_that_cannot_be_counted_is_tried_again(
    worker: WorkerProcess,
    jobs: QueuedBuilds,
    sent: Sent,
    building: Building,
    widget: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(key: str) -> int:
        raise redis.ConnectionError("down")

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "record_attempt", fail)
        take(worker, jobs, sent, widget, 1)
    assert building.built == []
    ((_, token, _),) = sent.tasks
    worker.handle(widget, token, sent)
    assert building.built == [(widget, {1})]


def test_without_redis_a_task_is_skipped_with_a_warning(
    database: Database,
    fragments: FragmentStore,
    building: Building,
    sent: Sent,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "WAITS", (0.01,) * 3)
    server = fakeredis.FakeServer()
    gone = fakeredis.FakeRedis(server=server)
    server.connected = False
    pool = BoundedThreadPool("test", 1, 0.3, 4)
    worker = WorkerProcess(
        database, fragments, building, BuildSchedule(lambda: gone), QueuedBuilds(lambda: gone), pool, 30.0
    )  # type: ignore[arg-type]
    worker.handle(7, "lease_token", sent)
    assert "Redis does not answer" in caplog.text
    assert building.built == []


def test_the_id_of_a_request_reaches_the_lines_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    fields: list[dict[str, object]] = []
    due: list[float] = []

    def handle(widget: int, lease_token: str, send: object, due_at: float) -> None:
        fields.append(dict(logs.current()))
        due.append(due_at)

    process = SimpleNamespace(handle=handle, close=lambda: None)
    monkeypatch.setattr(worker_module, "create_process", lambda settings: process)
    app = create_worker(Settings())
    app.conf.update(broker_url="memory://", broker_transport_options={})
    started = time.time()
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
        for widget, number in enumerate(("0123456789abcdef", "a\nforged line", ""), 1):
            with logs.bound(request_id=number):
                sender(app)(widget, "lease")
        wait_for(lambda: len(fields) == 3, "the tasks")
    assert fields == [{"widget": 1, "request_id": "0123456789abcdef"}, {"widget": 2}, {"widget": 3}]
    assert all(started <= moment <= time.time() for moment in due)
