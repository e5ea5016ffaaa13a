"""Assembles the daemon: index, pipeline, rebuilder, clients of the buses, and the timers that drive them."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from hubs.actions import revocations
from hubs.actions.inbox import marks, teamwork
from hubs.backend import cleanup
from hubs.backend.canary import CanarySender
from hubs.backend.clock import since_boot
from hubs.backend.extras import create_backend
from hubs.backend.figures import DaemonFigures
from hubs.backend.heartbeat import Heartbeat, HeartbeatPublisher
from hubs.backend.index.index import Index
from hubs.backend.index.refresher import IndexRefresher
from hubs.backend.ingest.config_changes import ConfigChangeHandler
from hubs.backend.ingest.fedmsg_meta import fedmsg_meta_extractor
from hubs.backend.ingest.group_membership import authenticator, create_groups
from hubs.backend.ingest.history import HistoryBackfill
from hubs.backend.ingest.mentions import Mentions
from hubs.backend.ingest.pipeline import Pipeline
from hubs.backend.rebuild.scheduler import Rebuilder
from hubs.backend.rebuild.timers import Timers
from hubs.backend.sources import create_sources, cut_off
from hubs.bus import Message
from hubs.events import coverage, sources
from hubs.fragments.store import FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.health import schema
from hubs.models import now
from hubs.services import create_services, tune_gc
from hubs.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two sweeps of the outbox, and between two log lines with figures.
OUTBOX, REPORT = 1.0, 60.0
#: Seconds between two looks for notifications whose snooze is over.
WAKE = 2.0
#: Seconds without a turn of the timers after which the process counts as having been stopped.
STALL = 10.0
#: Waiting messages below which shed messages are fetched from the history service.
ROOM = 1000
#: Seconds between two attempts to confirm revocations in Redis.
REVOCATIONS = 1.0
#: Threads for builds that need no external service: one computes while the other waits for the database.
QUICK = 2


def _create_pools(settings: Settings) -> tuple[BoundedThreadPool, BoundedThreadPool]:
    """Return the threads for quick builds and those for slow ones."""
    budget, abandoned = settings.build_budget, settings.max_abandoned_builds
    return (
        BoundedThreadPool("quick", QUICK, budget, QUICK),
        BoundedThreadPool("rebuild", settings.rebuild_threads, budget, abandoned),
    )


class Daemon:
    """Handles messages from `put` until `stop`."""

    def __init__(
        self, settings: Settings, fragments: FragmentStore | None = None, bus: Mapping[str, Any] | None = None
    ) -> None:
        """Wire everything together.

        ``fragments`` are shared with a web application in the same process; ``bus`` is fedmsg's configuration.
        """
        self._settings = settings
        # An abandoned build may keep its connection.
        threads = settings.rebuild_threads + settings.max_abandoned_builds + 2 * QUICK
        services = create_services(settings, pool_size=threads + 2, fragments=fragments)
        self._services, self._database, self._schedule = services, services.database, services.schedule
        events = services.events
        self._pools = _create_pools(settings)
        self.rebuilder = Rebuilder(create_backend(settings, services), *self._pools, settings.rebuild_interval)
        self._timers = Timers(self._database, self._schedule, events, self.rebuilder, 2.0 * settings.build_timeout)
        self._reported: Counter[str] = Counter()
        self._heartbeat = Heartbeat()
        self._create_pipeline(settings, bus or {})
        is_authentic = authenticator(bus or {}, trust=settings.trust_bus)
        self._history = HistoryBackfill(
            self._database, settings.history_url, self.pipeline.put, is_authentic, settings.history_interval
        )
        self._heartbeats = HeartbeatPublisher(self.pipeline, lambda: events.client, lambda: cut_off(self._sources))
        self._heartbeats.names_gap = bus is not None
        self._heartbeats.on_place = self.pipeline.precedence.place
        # Without a bus of our own, the canary begins in the pipeline.
        publisher = services.publisher if settings.publish and bus is not None else None
        self._canary = CanarySender(publisher, self.pipeline.put, self._pools[0], lambda: events.client)
        self.pipeline.on_canary = self._canary.returned
        self.figures = DaemonFigures(services, self.pipeline, self.rebuilder)
        self._sources = create_sources(settings, self._database, events, self.pipeline, self._heartbeats.hurry)
        self._cleanup = cleanup.Cleanup(self._database, settings, self.pipeline.put)
        self._stopped = threading.Event()
        #: When the first message was shed that has not been requested from the history service.
        self._shed_since: datetime | None = None

    def _create_pipeline(self, settings: Settings, bus: Mapping[str, Any]) -> None:
        """Create the pipeline, and the index and the handlers that it passes messages to."""
        events, index = self._services.events, Index(self._services.fragments.registry)
        extract = self._extract = fedmsg_meta_extractor(index.directory, settings.service_accounts)
        extract.insiders = index.insiders
        groups = create_groups(settings, bus)
        self._refresher = IndexRefresher(self._database, index, self._heartbeat.beat)
        self._config_changes = ConfigChangeHandler(
            self._database, index, self._refresher, extract, self.rebuilder, events, self._schedule, groups
        )
        self.pipeline = Pipeline(
            self._database,
            index,
            extract,
            self.rebuilder,
            self._config_changes,
            self._prepare,
            Mentions(extract),
            self._schedule,
            self._heartbeat.beat,
            f"{settings.topic_prefix}.{settings.environment}",
        )

    @property
    def ready(self) -> bool:
        """Whether the index is loaded, so that messages are handled as they arrive."""
        return self.pipeline.ready.is_set()

    def start(self) -> None:
        """Start all threads."""
        schema.require(self._database)
        tune_gc()
        self.rebuilder.start()
        self.pipeline.start()
        self._timers.start()
        for act in (self._run_timers, self._confirm_revocations):
            threading.Thread(target=act, name=act.__name__.strip("_"), daemon=True).start()
        self._history.start()
        self._heartbeats.start()
        self._canary.start()
        self.figures.serve()
        for source in self._sources:
            source.start()

    def reload(self) -> None:
        """Read all hubs into a new index; the current one is used meanwhile."""
        self._refresher.reload()

    def stop(self) -> None:
        """Handle the messages that wait, for some seconds, finish running builds, and end all threads."""
        self._stopped.set()
        self._history.stop()
        self._heartbeats.stop()
        self._canary.stop()
        for source in self._sources:
            source.stop(1.5)
        if lost := self.pipeline.stop():
            since = min(message.received_at for message in lost)
            self._history.request(f"stopped while {len(lost)} messages waited", since)
        self._refresher.stop()
        self._timers.stop()
        self._schedule.request(self.rebuilder.stop(0.3))  # for the next daemon
        self._report()
        self._services.close()

    @property
    def is_full(self) -> bool:
        """Whether messages are being shed."""
        return self.pipeline.is_full

    def put(self, message: Message) -> None:
        """Queue a message. In a flood it may be shed; it is fetched from the history service afterwards."""
        if not self.pipeline.put(message):
            self.note_shed()

    def note_shed(self) -> None:
        """Record that a message was dropped because the queue is full."""
        if self._shed_since is None:
            self._shed_since = now()
            log.error("messages come faster than they can be stored; some are shed")

    def note_gap(self, reason: str, since: datetime) -> None:
        """Record that messages were missed, and read them from the history service soon."""
        self._history.request(reason, since)

    def tick(self) -> None:
        """Send a heartbeat through the pipeline; `quiet_for` returns the time since one came through."""
        self.pipeline.put(self._heartbeat.beat)

    def quiet_for(self) -> float:
        """Return the seconds since the pipeline last showed progress."""
        return self._heartbeat.age

    def _run_timers(self) -> None:
        """Queue periodic tasks in the pipeline, whose thread runs them in their turn.

        So they never run at the same time as a batch, and need no locks.
        """
        tasks = {
            self._refresher.sweep: self._settings.sweep_interval,
            self._wake: WAKE,
            self._report: REPORT,
            **dict.fromkeys(self._cleanup.tasks, cleanup.PERIOD),
        }
        # The first cleanup comes early, for a daemon that is restarted more often than the cleanup is due.
        next_at = {task: time.monotonic() + min(seconds, cleanup.FIRST) for task, seconds in tasks.items()}
        last_turn = since_boot()
        while not self._stopped.wait(OUTBOX):
            # A stopped process (SIGSTOP, a suspended machine) reads nothing from the bus, whose buffers overflow.
            if (pause := since_boot() - last_turn) > STALL:
                self._history.request(f"stalled for {pause:.0f} s", now() - timedelta(seconds=pause))
            last_turn = since_boot()
            self.pipeline.put(self._config_changes.sweep_outbox)
            for task, seconds in tasks.items():
                if time.monotonic() >= next_at[task]:
                    next_at[task] = time.monotonic() + seconds
                    self.pipeline.put(task)
            self._fetch_shed()

    def _fetch_shed(self) -> None:
        """Request shed messages from the history service, once there is room for them.

        The queue is never empty, since the timers put functions into it, so an empty one is no condition to wait for.
        """
        if self._shed_since is not None and len(self.pipeline) < ROOM:
            since, self._shed_since = self._shed_since, None
            self._history.request("shed in a flood", since)

    def _prepare(self) -> None:
        """Create the watermark and load the index: both must precede the first message."""
        self._history.prepare()
        self._refresher.load()

    def _confirm_revocations(self) -> None:
        """Repeat revocations that Redis did not confirm, and restore them after Redis lost its data.

        In a thread of its own: access must end within seconds, however many messages wait.
        """
        events = self._services.events
        while not self._stopped.wait(REVOCATIONS):
            try:
                if not events.revocations.is_complete():
                    revocations.restore(self._database, events)
                revocations.confirm_pending(self._database, events)
            except (SQLAlchemyError, RedisError) as error:
                log.warning("revocations wait, %s: %s", type(error).__name__, error)

    def _report(self) -> None:
        counts = Counter(lost=sum(pool.abandoned for pool in self._pools))
        for counter in (self.pipeline.counts, self.rebuilder.counts, *(pool.counts for pool in self._pools)):
            counts.update(counter)
        for source in self._sources:
            counts.update({f"{source.label}_{name}": count for name, count in source.counts.items()})
        self._report_unread()
        # Topic families without a reader, by name: gaps that an operator can report.
        counts.update({f"unread_{family}": count for family, count in self._extract.unread.most_common(10)})
        figures = " ".join(f"{name}={count}" for name, count in sorted(counts.items()))
        log.info("so far %s; waiting messages=%d widgets=%d", figures, len(self.pipeline), len(self.rebuilder))

    def _report_unread(self) -> None:
        """Note for the health checks when sources were heard, and add the messages without a reader since then."""
        unread, client = Counter(self._extract.unread), self._services.events.client
        try:
            sources.note(client, dict(self.pipeline.heard))
            coverage.add(client, unread - self._reported)
        except RedisError as error:  # with the next report
            log.info("messages without a reader are not counted: %s", error)
        else:
            self._reported = unread

    def _wake(self) -> None:
        """Return what was snoozed, or taken by one owner of a team, to the inboxes when its time is over."""
        with self._database.transaction() as session:
            marks.wake(session)
            teamwork.lapse(session)
