"""Schedules widget rebuilds: coalesced, one at a time per widget, in a bounded thread pool.

A first request is built at once. Requests during the build, or within ``interval`` seconds of its start, lead to one
more build afterwards, however many they are; interactive changes wait only a fraction of that, widgets that take long
to build wait longer. Where more widgets are due than can be built, interactive changes come first. A build that
exceeds its budget is abandoned; while its thread is stuck, the widget is not built again, and other widgets are.

There are two pools, since builds that call external services can take long: those that need none have threads of their
own, so slow services never delay them.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hubs import logs
from hubs.backend.rebuild.backend import BuildBackend
from hubs.backend.rebuild.due_queue import DueQueue
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.metrics.histogram import Histogram

log = logging.getLogger(__name__)

#: Seconds until the next attempt while the database is unavailable.
RETRY_AFTER = 1.0
#: Least seconds between two builds of a widget after interactive changes. Messages of the bus must not keep a widget
#: building all the time, but a person or a program expects to see each of two changes within a second at once.
PROMPT = 0.05
#: Seconds that a build gets before the next one starts. One that only reads our own database is done by then; two at
#: once in one interpreter would each take as long as both, and both fragments would appear late.
HEAD_START = 0.03
#: Cool-down after a build, as a multiple of its duration, and its cap in seconds. A costly widget, such as the count of
#: a busy team's year, must not be rebuilt all the time because the team is busy.
REST, LONGEST_REST = 4.0, 60.0
#: The interval of widgets that nobody has open, as a multiple of that of others; opening one hurries it (`unseen`).
#: Less than `hubs.fragments.schedule.TOUCHED`, or they would be due there too.
UNSEEN = 8.0
#: Finished builds after which the state of idle widgets is removed.
FORGET_EVERY = 1000


@dataclass
class _Job:
    """The state of one widget that is waiting, being built, or recently built."""

    stale: set[int] = field(default_factory=set)
    due: float | None = None
    running: bool = False
    #: A thread is still running a build that was abandoned.
    stuck: bool = False
    started: float = float("-inf")
    #: When the next build, and the running one, were first requested for.
    requested: float | None = None
    claimed: float | None = None
    #: Seconds after the start during which only interactive changes cause another build.
    rest: float = 0.0
    #: Requested by an interactive change; the current build has that priority.
    interactive: bool = False
    high_priority: bool = False
    #: What log lines of the next build belong to: the request or message that last asked for it.
    cause: dict[str, Any] = field(default_factory=dict)
    #: Classified as slow, now waiting for a thread of the slow pool.
    queued_slow: bool = False


class Rebuilder:
    """Runs builds in thread pools; decides when and how often."""

    def __init__(
        self, backend: BuildBackend, quick: BoundedThreadPool, slow: BoundedThreadPool, interval: float = 1.0
    ) -> None:
        """Start every build in the pool ``quick``; those that need an external service move to ``slow``."""
        self._backend, self._quick, self._slow, self._interval = backend, quick, slow, interval
        self._changed = threading.Condition()
        self._jobs: dict[int, _Job] = {}
        self._queue = DueQueue()
        #: Widgets that wait for a thread of the slow pool: interactive changes first (0), then in order.
        self._queued_slow: queue.PriorityQueue[tuple[int, int, int]] = queue.PriorityQueue()
        self._turns = itertools.count()
        self._stopping = False
        self._finished = 0
        #: Counts since the start: asked, and those of the backend.
        self.counts = backend.counts
        #: Seconds from the first request of a build to its end.
        self.built_after = Histogram()
        self._threads = [
            threading.Thread(target=act, name=name, daemon=True)
            for act, name in ((self._dispatch, "rebuild"), (self._dispatch_slow, "rebuild-slow"))
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 0.5) -> list[int]:
        """Wait at most ``timeout`` seconds for running builds; return the widgets that still need a build."""
        end = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._queued_slow.put((-1, 0, 0))
        self._slow.stop(0.0)  # so that it starts no builds while the other pool finishes
        for pool in (self._quick, self._slow):
            pool.stop(max(0.0, end - time.monotonic()))
        with self._changed:
            return [widget_id for widget_id, job in self._jobs.items() if job.running or job.due is not None]

    def request(
        self, widget_id: int, stale: Iterable[int] = (), delay: float = 0.0, *, interactive: bool = False
    ) -> None:
        """Request a build of a widget; ``stale`` are the numbers of the cached functions to recompute.

        ``interactive`` marks a change by a person, who expects to see the result: see `PROMPT`.
        """
        now = time.monotonic()
        with self._changed:
            self.counts["asked"] += 1
            job = self._jobs.setdefault(widget_id, _Job())
            job.stale.update(stale)
            if job.requested is None or logs.current():
                job.cause = dict(logs.current())
            if job.requested is None:
                job.requested = now + delay
            job.interactive = job.interactive or interactive
            if interactive and job.queued_slow:
                self._queued_slow.put((0, next(self._turns), widget_id))
            pause = min(PROMPT, self._interval) if interactive else max(self._interval, job.rest)
            self._schedule(widget_id, job, max(now + delay, job.started + pause), is_first=interactive)

    def idle(self) -> bool:
        """Return whether no widget is waiting or being built."""
        return len(self) == 0

    def __len__(self) -> int:
        """Return the number of widgets that wait or are being built."""
        with self._changed:
            return sum(job.running or job.due is not None for job in self._jobs.values())

    def unseen(self) -> dict[int, int]:
        """Return the waiting widgets that nobody had open when they were last built, with their hubs."""
        with self._changed:
            waiting = [widget_id for widget_id, job in self._jobs.items() if job.due is not None]
        return {widget_id: hub for widget_id in waiting if (hub := self._backend.unseen(widget_id)) is not None}

    def _schedule(self, widget_id: int, job: _Job, due: float, *, is_first: bool = False) -> None:
        """Schedule a widget, unless it is due earlier; ``is_first`` moves it to the queue that comes first."""
        if job.due is None or due < job.due or is_first:
            job.due = due if job.due is None else min(due, job.due)
            self._queue.push(job.due, widget_id, is_first=job.interactive)
            self._changed.notify()

    def _dispatch(self) -> None:
        # Wait for room first, then claim: until a widget is claimed, further requests join the same build.
        while self._quick.wait_for_room() and (claimed := self._next()) is not None:
            if self._begin(self._quick, *claimed):
                self._give_head_start(claimed[0])

    def _dispatch_slow(self) -> None:
        while self._slow.wait_for_room():
            widget_id = self._queued_slow.get()[2]
            with self._changed:
                if self._stopping:
                    return
                job = self._jobs.get(widget_id)
                if job is None or not job.queued_slow:  # an interactive request moved it forward
                    continue
                # This build covers everything requested until now.
                stale, job.stale, job.due, job.requested = job.stale, set(), None, None
                job.queued_slow, job.interactive, job.started = False, False, time.monotonic()
            self._begin(self._slow, widget_id, stale)

    def _begin(self, pool: BoundedThreadPool, widget_id: int, stale: set[int]) -> bool:
        run = partial(self._run, widget_id, stale, slow=pool is self._slow)
        started = pool.start(f"widget {widget_id}", run, partial(self._abandon, widget_id))
        if not started:
            self._done(widget_id, stale, 0.0)
        return started

    def _give_head_start(self, widget_id: int) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            self._changed.wait_for(lambda: self._stopping or not job.running or job.queued_slow, HEAD_START)

    def _next(self) -> tuple[int, set[int]] | None:
        """Wait for the next widget that is due and claim it; None at shutdown."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                while (entry := self._queue.pop(now)) is not None:
                    due, widget_id = entry
                    if (stale := self._claim(widget_id, due, now)) is not None:
                        return widget_id, stale
                self._changed.wait(self._queue.pause(now))
            return None

    def _claim(self, widget_id: int, due: float, now: float) -> set[int] | None:
        """Begin the build of an entry of the queues; None if it is outdated."""
        job = self._jobs.get(widget_id)
        if job is None or job.due != due or job.running or job.stuck:
            return None
        stale, job.stale = job.stale, set()
        job.due, job.running, job.started = None, True, now
        job.claimed, job.requested = job.requested, None
        job.high_priority, job.interactive = job.interactive, False
        return stale

    def _run(self, widget_id: int, stale: set[int], *, slow: bool) -> None:
        """Build one widget, in a thread of a pool."""
        with logs.bound(**self._jobs[widget_id].cause, widget=widget_id):
            self._build(widget_id, stale, slow=slow)

    def _build(self, widget_id: int, stale: set[int], *, slow: bool) -> None:
        again: float | None = None
        try:
            if not slow and not self._backend.is_quick(widget_id):
                self._move_to_slow(widget_id, stale)
                return
            again = self._backend.build(widget_id, stale)
        except SQLAlchemyError as error:
            log.warning("widget %s waits, the database does not answer: %s", widget_id, error)
            again = RETRY_AFTER
        except Exception:  # the job must be left as after any other build, or the widget is never built again
            log.exception("widget %s cannot be rebuilt", widget_id)
            self.counts["failed"] += 1
        self._done(widget_id, stale, again)

    def _move_to_slow(self, widget_id: int, stale: set[int]) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            job.stale |= stale
            job.queued_slow = True
            self._queued_slow.put((0 if job.high_priority or job.interactive else 1, next(self._turns), widget_id))
            self._changed.notify()

    def _abandon(self, widget_id: int) -> None:
        """Abandon a build that timed out; its thread may still be running."""
        with self._changed:
            job = self._jobs[widget_id]
            if not job.running:  # it finished just before this call
                return
            job.running, job.stuck = False, True
        try:
            again = self._backend.give_up(widget_id)
        except SQLAlchemyError as error:
            log.warning("widget %s is not marked as failed, the database does not answer: %s", widget_id, error)
            again = RETRY_AFTER
        if again is not None:
            self.request(widget_id, delay=again)

    def _done(self, widget_id: int, stale: set[int], again: float | None) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            job.running = job.stuck = False
            if again is None and job.claimed is not None:
                self.built_after.observe(max(0.0, time.monotonic() - job.claimed))
            job.claimed = None
            job.rest = min((time.monotonic() - job.started) * (1 + REST), LONGEST_REST)
            if self._backend.unseen(widget_id) is not None:
                job.rest = max(job.rest, UNSEEN * self._interval)
            if again is not None:
                job.stale |= stale
                self._schedule(widget_id, job, time.monotonic() + again)
            if job.due is not None:
                # Requested during the build: `_next` may have dropped its entry, since it was running.
                if not job.interactive:
                    job.due = max(job.due, job.started + job.rest)
                self._queue.push(job.due, widget_id, is_first=job.interactive)
            self._changed.notify()
            self._finished += 1
            if self._finished % FORGET_EVERY == 0:
                self._forget()

    def _forget(self) -> None:
        now = time.monotonic()
        idle = [
            key
            for key, job in self._jobs.items()
            if not job.running
            and not job.stuck
            and job.due is None
            and job.started + max(self._interval, job.rest) < now
        ]
        for key in idle:
            del self._jobs[key]
