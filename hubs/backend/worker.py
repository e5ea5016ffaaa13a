"""A worker, ``hubs-worker``: builds what daemons put into the queue, on this machine or on another.

It is Celery's own worker with one task. Each of its processes builds one widget at a time, within the same budget as
everywhere else; what cannot be ended by that is ended with its process. The engine, the caches and the connections are
made in each process, after the fork. A widget that ends its process again and again is no longer tried.
"""

import logging
import queue
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import redis
from celery import Celery, signals
from kombu.exceptions import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from hubs.backend.rebuild.celery_queue import AWAY, TASK, Send, create_queue, lease, queue_up, sender
from hubs.backend.rebuild.tickets import QueuedBuilds
from hubs.backend.sdnotify import notify
from hubs.bus import NullPublisher
from hubs.errors import BadSetting
from hubs.fragments.builder import Builder
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.models import Database, Widget
from hubs.services import create_services
from hubs.settings import Settings, load

log = logging.getLogger(__name__)

#: Builds in a row that may end their process before a widget is no longer tried.
TRIES = 3
#: What the worker says when it starts is enough; Celery's lines for each task would fill the log.
_QUIET = ("celery.worker.strategy", "celery.app.trace", "kombu", "amqp")


class WorkerProcess:
    """What one process of a worker builds with; the seconds of ``lease`` are those of `tasks.lease`."""

    def __init__(
        self,
        database: Database,
        fragments: FragmentStore,
        builder: Builder,
        due: BuildSchedule,
        jobs: QueuedBuilds,
        crew: BoundedThreadPool,
        lease: float,
    ) -> None:
        self._database, self._fragments, self._builder = database, fragments, builder
        self._due, self._jobs, self._crew, self._lease = due, jobs, crew, lease

    def handle(self, widget: int, ticket: str, send: Send) -> None:
        """Build the widget of a task, and queue it anew when that is needed; nothing comes out of here."""
        try:
            stale = self._jobs.begin(widget, ticket, self._lease)
            if stale is None:
                log.info("widget %s is left out: this task came twice, or too late", widget)
                return
            # Should this process or its machine end now, a daemon sends the widget here again.
            self._due.ask([widget], time.time() + self._lease + 1.0)
            again = self._within_budget(widget, stale)
            if again is not None:
                if self._jobs.hold(widget, ticket):
                    queue_up(self._jobs, self._due, send, time.time, widget, ticket, again)
            elif (fresh := self._jobs.end(widget, ticket)) is not None:
                queue_up(self._jobs, self._due, send, time.time, widget, fresh)
        except (redis.RedisError, OperationalError) as error:
            log.warning("widget %s waits, Redis does not answer: %s", widget, error)

    def close(self) -> None:
        """Give the connections back."""
        self._crew.stop(0.0)
        self._database.dispose()

    def _within_budget(self, widget: int, stale: set[int]) -> float | None:
        ended: queue.SimpleQueue[float | None] = queue.SimpleQueue()

        def build() -> None:
            ended.put(self._attempt(widget, lambda: self._build(widget, stale)))

        def late() -> None:
            ended.put(self._attempt(widget, lambda: self._builder.give_up(widget)))

        # With too many threads lost there is no room, and the time limit gives this process an end and a successor.
        while not self._crew.start(f"widget {widget}", build, late):
            if not self._crew.wait_for_room():
                return AWAY
        return ended.get()

    def _attempt(self, widget: int, act: Callable[[], float | None]) -> float | None:
        try:
            return act()
        except SQLAlchemyError as error:
            log.warning("widget %s waits, the database does not answer: %s", widget, error)
            return AWAY
        except Exception:  # the next one must find its job as after any other build
            log.exception("widget %s cannot be rebuilt", widget)
            return None

    def _build(self, widget: int, stale: Iterable[int]) -> float | None:
        key = self._key(widget)
        if key is None:
            return self._builder.build(widget, stale)
        tries, built = self._jobs.begun(key), False
        try:
            if tries > TRIES:
                return self._refuse(widget)
            again = self._builder.build(widget, stale)
            built = again is None
            return again
        finally:
            self._jobs.came_back(key, built=built)

    def _refuse(self, widget: int) -> float | None:
        text = f"its last {TRIES} builds ended the process that did them; it is tried again when changed, or in a day"
        log.error("widget %s is not built: %s", widget, text)
        return self._builder.give_up(widget, RuntimeError(text))

    def _key(self, widget: int) -> str | None:
        """Return what stands for a widget as it is now, so that a change of its settings or its code is a new start."""
        with self._database.session() as session:
            row = session.get(Widget, widget)
            return None if row is None else self._fragments.key(row)


def create_hand(settings: Settings) -> WorkerProcess:
    """Make what one process of a worker builds with."""
    services = create_services(settings, pool_size=settings.max_abandoned_builds + 2, publisher=NullPublisher())
    database, fragments, due = services.database, services.fragments, services.schedule
    builder = Builder(database, fragments, services.events, due, settings.build_budget)
    crew = BoundedThreadPool("build", 1, settings.build_budget, settings.max_abandoned_builds)
    return WorkerProcess(
        database, fragments, builder, due, QueuedBuilds(lambda: services.events.client), crew, lease(settings)
    )


def create_worker(settings: Settings) -> Celery:
    """Return the Celery application of a worker; each process makes its `WorkerProcess` when it starts."""
    app = create_queue(settings)
    send, hands = sender(app), list[WorkerProcess]()

    def rebuild(widget: int, ticket: str) -> None:
        hands[0].handle(int(widget), str(ticket), send)

    def begin(**_: Any) -> None:
        hands.append(create_hand(settings))

    def end(**_: Any) -> None:
        hands.pop().close()

    app.task(rebuild, name=TASK)
    # Celery holds receivers weakly.
    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    signals.setup_logging.connect(_keep_logging, weak=False)
    signals.worker_ready.connect(_on_ready, weak=False)
    signals.worker_shutting_down.connect(_on_end, weak=False)
    return app


def _keep_logging(**_: Any) -> None:
    """Have Celery leave the logging as `main` set it: where somebody listens for this, it does nothing itself."""


def _on_ready(**_: Any) -> None:
    notify("READY=1")
    log.info("ready")


def _on_end(**_: Any) -> None:
    notify("STOPPING=1")


def main() -> None:
    """Run a worker until SIGTERM; then what is being built is finished."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = load()
        settings.key()
    except BadSetting as error:
        log.critical("hubs-worker cannot start:\n%s", error)
        raise SystemExit(2) from None
    argv = ["--quiet", "worker", "--pool", "prefork", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    create_worker(settings).worker_main([*argv, *sys.argv[1:]])
