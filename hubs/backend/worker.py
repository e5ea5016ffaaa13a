"""The worker, ``hubs-worker``: builds the widgets that daemons enqueue, on this machine or another.

It is Celery's own worker with one task. Each process builds one widget at a time, within the usual budget; a build that
overruns Celery's hard limit is killed with its process. Each process creates its engine, caches and connections after
the fork. A widget whose builds keep killing their process is quarantined.
"""

import logging
import queue
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import redis
from celery import Celery, signals
from kombu.exceptions import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from hubs import logs
from hubs.backend.rebuild.celery_queue import (
    DUE_AT,
    RETRY_AFTER,
    TASK,
    Send,
    create_queue,
    enqueue,
    lease_seconds,
    sender,
)
from hubs.backend.rebuild.leases import QueuedBuilds, new_token
from hubs.backend.sdnotify import notify
from hubs.bus import NullPublisher
from hubs.errors import BadSetting
from hubs.fragments.builder import Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.health import figures, schema
from hubs.health.readiness import Readiness
from hubs.metrics.exporter import Exporter
from hubs.metrics.families import Sample
from hubs.metrics.histogram import Histogram
from hubs.models import Database, Widget
from hubs.services import Services, create_database, create_services
from hubs.settings import Settings, load

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Consecutive builds that may kill their process before the widget is quarantined.
TRIES = 3
#: Seconds between attempts to reach Redis. If it is down for longer, a daemon enqueues the widget again later.
WAITS = (0.2, 0.5, 1.0, 2.0, 2.0, 2.0)


class WorkerProcess:
    """Builds widgets in one process of a worker; ``lease`` is `celery_queue.lease_seconds`."""

    def __init__(
        self,
        database: Database,
        fragments: FragmentStore,
        builder: Builder,
        schedule: BuildSchedule,
        jobs: QueuedBuilds,
        pool: BoundedThreadPool,
        lease: float,
    ) -> None:
        self._database, self._fragments, self._builder = database, fragments, builder
        self._schedule, self._jobs, self._pool, self._lease = schedule, jobs, pool, lease
        #: Seconds from when a task was due to the end of its build.
        self.built_after = Histogram()

    def handle(self, widget: int, lease_token: str, send: Send, due_at: float | None = None) -> None:
        """Build the widget of a task that was due at ``due_at``, and enqueue it again if needed. Never raises."""
        try:
            stale = self._patiently(widget, lambda: self._jobs.acquire(widget, lease_token, self._lease))
            if stale is None:
                log.info("widget %s is skipped: its task was delivered twice or too late", widget)
                return
            # If this process or its machine dies now, a daemon enqueues the widget again once the lease is over.
            self._schedule.request([widget], time.time() + self._lease + 1.0)
            again, token = self._within_budget(widget, stale), new_token()
            if again is None and due_at is not None:
                self.built_after.observe(max(0.0, time.time() - due_at))
            self._patiently(widget, lambda: self._finish(widget, lease_token, token, again, send))
        except (redis.RedisError, OperationalError) as error:
            log.warning("widget %s waits, Redis does not answer: %s", widget, error)

    def _finish(self, widget: int, lease_token: str, token: str, again: float | None, send: Send) -> None:
        """End the lease, or enqueue the widget again; ``token`` is for a task that covers later requests."""
        if again is not None:
            if self._jobs.extend(widget, lease_token):
                enqueue(self._jobs, self._schedule, send, time.time, widget, lease_token, again)
        elif self._jobs.complete(widget, lease_token, token) is not None:
            enqueue(self._jobs, self._schedule, send, time.time, widget, token)

    def _patiently(self, widget: int, step: Callable[[], T]) -> T:
        """Repeat a step until Redis answers: a task that ends without it would leave the widget leased for minutes.

        :raises redis.RedisError, OperationalError: if Redis does not answer for long.
        """
        for wait in WAITS:
            try:
                return step()
            except (redis.RedisError, OperationalError) as error:
                log.warning("widget %s waits, Redis does not answer: %s", widget, error)
            time.sleep(wait)
        return step()

    def close(self) -> None:
        """Stop the thread pool and close the database connections."""
        self._pool.stop(0.0)
        self._database.dispose()

    def _within_budget(self, widget: int, stale: set[int]) -> float | None:
        results: queue.SimpleQueue[float | None] = queue.SimpleQueue()

        def build() -> None:
            results.put(self._attempt(widget, lambda: self._build(widget, stale)))

        def late() -> None:
            results.put(self._attempt(widget, lambda: self._builder.give_up(widget)))

        # Too many abandoned threads leave no room; then Celery's time limit replaces this process.
        while not self._pool.start(f"widget {widget}", build, late):
            if not self._pool.wait_for_room():
                return RETRY_AFTER
        return results.get()

    def _attempt(self, widget: int, step: Callable[[], float | None]) -> float | None:
        try:
            return step()
        except SQLAlchemyError as error:
            log.warning("widget %s waits, the database does not answer: %s", widget, error)
            return RETRY_AFTER
        except redis.RedisError as error:
            log.warning("widget %s waits, Redis does not answer: %s", widget, error)
            return RETRY_AFTER
        except Exception:  # the lease must be completed as after any other build
            log.exception("widget %s cannot be rebuilt", widget)
            return None

    def _build(self, widget: int, stale: Iterable[int]) -> float | None:
        key = self._key(widget)
        if key is None:
            return self._builder.build(widget, stale)
        tries, built = self._jobs.record_attempt(key), False
        try:
            if tries > TRIES:
                return self._quarantine(widget)
            again = self._builder.build(widget, stale)
            built = again is None
            return again
        finally:
            self._jobs.record_result(key, built=built)

    def _quarantine(self, widget: int) -> float | None:
        text = f"its last {TRIES} builds ended the process that did them; it is tried again when changed, or in a day"
        log.error("widget %s is not built: %s", widget, text)
        return self._builder.give_up(widget, RuntimeError(text))

    def _key(self, widget: int) -> str | None:
        """Return the cache key of a widget; new settings or new code change it, which ends the quarantine."""
        with self._database.session() as session:
            row = session.get(Widget, widget)
            return None if row is None else self._fragments.key(row)


def create_process(settings: Settings) -> WorkerProcess:
    """Assemble the objects of one worker process, and serve its metrics if the settings name an address."""
    services = create_services(settings, pool_size=settings.max_abandoned_builds + 2, publisher=NullPublisher())
    database, fragments, schedule = services.database, services.fragments, services.schedule
    builder = Builder(database, fragments, services.events, schedule, settings.build_budget)
    pool = BoundedThreadPool("build", 1, settings.build_budget, settings.max_abandoned_builds)
    process = WorkerProcess(
        database,
        fragments,
        builder,
        schedule,
        QueuedBuilds(lambda: services.events.client),
        pool,
        lease_seconds(settings),
    )
    _serve_figures(services, process)
    return process


def _serve_figures(services: Services, process: WorkerProcess) -> None:
    settings, database = services.settings, services.database
    readiness = Readiness(database, lambda: services.events.client)

    def samples() -> Iterator[Sample]:
        yield "hubs_widget_built_seconds", (), process.built_after
        yield from figures.of_fragments(services.fragments)
        yield from figures.shared(settings, database, services.events.client, readiness)

    if settings.metrics_address:
        Exporter("worker", settings.metrics_address, samples, readiness.problems).start()


def create_worker(settings: Settings) -> Celery:
    """Return the Celery application of a worker; each process creates its `WorkerProcess` when it starts."""
    app = create_queue(settings)
    send, processes = sender(app), list[WorkerProcess]()

    def rebuild(widget: int, lease_token: str) -> None:
        request = app.current_task.request
        due_at = request.get(DUE_AT)
        with logs.bound(widget=int(widget), request_id=logs.usable(request.get(logs.REQUEST_ID))):
            processes[0].handle(int(widget), str(lease_token), send, due_at if isinstance(due_at, float) else None)

    def begin(**_: Any) -> None:
        processes.append(create_process(settings))

    def end(**_: Any) -> None:
        processes.pop().close()

    app.task(rebuild, name=TASK)
    # Celery holds receivers by weak reference by default; nothing else refers to these.
    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_ready.connect(_on_ready, weak=False)
    signals.worker_shutting_down.connect(_on_end, weak=False)
    return app


def _keep_logging(**_: Any) -> None:
    """Keep the logging that `main` set up: Celery configures none while this signal has a receiver."""


def _on_ready(**_: Any) -> None:
    notify("READY=1")
    log.info("ready")


def _on_end(**_: Any) -> None:
    notify("STOPPING=1")


def main() -> None:
    """Run a worker until SIGTERM; running builds finish first."""
    logs.configure()  # for what is wrong with the settings
    try:
        settings = load()
        logs.configure(settings.log)
        settings.key()
        database = create_database(settings)
        schema.require(database)
        database.dispose()  # the processes have connections of their own
    except BadSetting as error:
        log.critical("hubs-worker cannot start: %s", error)
        raise SystemExit(2) from None
    argv = ["--quiet", "worker", "--pool", "prefork", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    create_worker(settings).worker_main([*argv, *sys.argv[1:]])
