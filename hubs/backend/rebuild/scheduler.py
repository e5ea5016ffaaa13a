"""Schedules widget rebuilds: coalesced, one at a time per widget, in a bounded thread pool.

A widget that is asked for once is built at once. What is asked for while it is being built, or within ``interval``
seconds of the last start, is built once more after that, however often it was asked for; what was changed here, within
a fraction of that. What took long to build rests for longer. A build that exceeds its budget is given up; while its
thread is stuck, the widget is not begun again, and the others go on.

There are two pools, since builds that wait for other people's services can wait for long: those that need none of them
have threads of their own, and are not held up when all others are taken.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from hubs.fragments.thread_pool import BoundedThreadPool

log = logging.getLogger(__name__)

#: Seconds until the next try when the database does not answer.
AWAY = 2.0
#: Least seconds between two builds of one widget that was changed here. A flood on the bus must not have a widget
#: built all the time, but two changes by a person or a machine within a second are both to be seen at once.
PROMPT = 0.2
#: Seconds for which a build is left alone before the next begins. One that only reads our own database is over by then;
#: two at once in one interpreter would each take as long as both, and both fragments would appear late.
HEAD_START = 0.01
#: Cool-down after a build, as a multiple of its duration, and its cap in seconds. A costly widget, such as the count of
#: a busy team's year, must not be rebuilt all the time because the team is busy.
REST, LONGEST_REST = 4.0, 60.0
#: Builds after which state of widgets that are quiet is dropped.
FORGET_EVERY = 1000


class BuildBackend(Protocol):
    """Builds widgets; `build` and `give_up` return the seconds after which to come back, or None."""

    counts: Counter[str]

    def is_quick(self, widget_id: int) -> bool:
        """Return whether building the widget waits for no other service."""

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Build or enqueue a widget."""

    def give_up(self, widget_id: int) -> float | None:
        """Handle a build that timed out."""


@dataclass
class _Job:
    """The state of one widget that is waiting, being built, or recently built."""

    stale: set[int] = field(default_factory=set)
    due: float | None = None
    running: bool = False
    #: Its thread is stuck in a build that was given up.
    stuck: bool = False
    started: float = float("-inf")
    #: Seconds after that for which only what somebody changed here has it built again.
    rest: float = 0.0
    #: Requested by an interactive change; the current build has that priority.
    interactive: bool = False
    high_priority: bool = False
    #: Classified as slow, now waiting for a thread of the slow pool.
    queued_slow: bool = False


class Rebuilder:
    """Runs builds in thread pools; decides when and how often."""

    def __init__(
        self, work: BuildBackend, quick: BoundedThreadPool, patient: BoundedThreadPool, interval: float = 1.0
    ) -> None:
        """Begin every build in the pool ``quick``; those that may wait for others go on to ``patient``."""
        self._work, self._quick, self._patient, self._interval = work, quick, patient, interval
        self._changed = threading.Condition()
        self._jobs: dict[int, _Job] = {}
        self._queue: list[tuple[float, int]] = []
        #: Widgets that wait for a patient thread: what somebody changed comes first (0), then in turn.
        self._queued_slow: queue.PriorityQueue[tuple[int, int, int]] = queue.PriorityQueue()
        self._turns = itertools.count()
        self._stopping = False
        self._finished = 0
        #: What happened since the start: asked, and what the work counts.
        self.counts = work.counts
        self._threads = [
            threading.Thread(target=act, name=name, daemon=True)
            for act, name in ((self._dispatch, "rebuild"), (self._dispatch_patient, "rebuild-patient"))
        ]

    def start(self) -> None:
        """Start to build."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 0.5) -> list[int]:
        """Let running builds finish for at most ``timeout`` seconds; return the widgets that waited."""
        end = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._queued_slow.put((-1, 0, 0))
        self._patient.stop(0.0)  # it begins nothing more while the other is waited for
        for pool in (self._quick, self._patient):
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
            job.interactive = job.interactive or interactive
            if interactive and job.queued_slow:
                self._queued_slow.put((0, next(self._turns), widget_id))
            pause = min(PROMPT, self._interval) if interactive else max(self._interval, job.rest)
            self._schedule(widget_id, job, max(now + delay, job.started + pause))

    def idle(self) -> bool:
        """Return whether no widget is waiting or being built."""
        return len(self) == 0

    def __len__(self) -> int:
        """Return the number of widgets that wait or are being built."""
        with self._changed:
            return sum(job.running or job.due is not None for job in self._jobs.values())

    def _schedule(self, widget_id: int, job: _Job, due: float) -> None:
        if job.due is None or due < job.due:
            job.due = due
            heapq.heappush(self._queue, (due, widget_id))
            self._changed.notify()

    def _dispatch(self) -> None:
        # Room comes first: what is claimed is begun at once, and what waits for room can still be asked for.
        while self._quick.wait_for_room() and (claimed := self._next()) is not None:
            if self._begin(self._quick, *claimed):
                self._give_head_start(claimed[0])

    def _dispatch_patient(self) -> None:
        while self._patient.wait_for_room():
            widget_id = self._queued_slow.get()[2]
            with self._changed:
                if self._stopping:
                    return
                job = self._jobs.get(widget_id)
                if job is None or not job.queued_slow:  # it came forward, and left its old place behind
                    continue
                # Whatever was asked for until now is in this build.
                stale, job.stale, job.due = job.stale, set(), None
                job.queued_slow, job.interactive, job.started = False, False, time.monotonic()
            self._begin(self._patient, widget_id, stale)

    def _begin(self, pool: BoundedThreadPool, widget_id: int, stale: set[int]) -> bool:
        run = partial(self._run, widget_id, stale, patient=pool is self._patient)
        begun = pool.start(f"widget {widget_id}", run, partial(self._late, widget_id))
        if not begun:
            self._done(widget_id, stale, 0.0)
        return begun

    def _give_head_start(self, widget_id: int) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            self._changed.wait_for(lambda: self._stopping or not job.running or job.queued_slow, HEAD_START)

    def _next(self) -> tuple[int, set[int]] | None:
        """Wait for the next widget that is due and claim it; None at the end."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._queue and self._queue[0][0] <= now:
                    due, widget_id = heapq.heappop(self._queue)
                    job = self._jobs.get(widget_id)
                    # A job that was moved forward leaves its old place in the queue behind.
                    if job is None or job.due != due or job.running or job.stuck:
                        continue
                    stale, job.stale = job.stale, set()
                    job.due, job.running, job.started = None, True, now
                    job.high_priority, job.interactive = job.interactive, False
                    return widget_id, stale
                self._changed.wait(self._queue[0][0] - now if self._queue else None)
            return None

    def _run(self, widget_id: int, stale: set[int], *, patient: bool) -> None:
        """Work on one widget, in a thread of a pool."""
        again: float | None = None
        try:
            if not patient and not self._work.is_quick(widget_id):
                self._pass_on(widget_id, stale)
                return
            again = self._work.build(widget_id, stale)
        except SQLAlchemyError as error:
            log.warning("widget %s waits, the database does not answer: %s", widget_id, error)
            again = AWAY
        except Exception:  # the next one must find its job as after any other build
            log.exception("widget %s cannot be rebuilt", widget_id)
            self.counts["failed"] += 1
        self._done(widget_id, stale, again)

    def _pass_on(self, widget_id: int, stale: set[int]) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            job.stale |= stale
            job.queued_slow = True
            self._queued_slow.put((0 if job.high_priority or job.interactive else 1, next(self._turns), widget_id))
            self._changed.notify()

    def _late(self, widget_id: int) -> None:
        """Abandon a build that timed out; its thread may still be running."""
        with self._changed:
            job = self._jobs[widget_id]
            if not job.running:  # it came back this very moment
                return
            job.running, job.stuck = False, True
        try:
            again = self._work.give_up(widget_id)
        except SQLAlchemyError as error:
            log.warning("widget %s is not marked as failed, the database does not answer: %s", widget_id, error)
            again = AWAY
        if again is not None:
            self.request(widget_id, delay=again)

    def _done(self, widget_id: int, stale: set[int], again: float | None) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            job.running = job.stuck = False
            job.rest = min((time.monotonic() - job.started) * (1 + REST), LONGEST_REST)
            if again is not None:
                job.stale |= stale
                self._schedule(widget_id, job, time.monotonic() + again)
            if job.due is not None:
                # Asked for while it was being built: its place in the queue may have been passed over.
                if not job.interactive:
                    job.due = max(job.due, job.started + job.rest)
                heapq.heappush(self._queue, (job.due, widget_id))
            self._changed.notify()
            self._finished += 1
            if self._finished % FORGET_EVERY == 0:
                self._forget()

    def _forget(self) -> None:
        now = time.monotonic()
        quiet = [
            key
            for key, job in self._jobs.items()
            if not job.running
            and not job.stuck
            and job.due is None
            and job.started + max(self._interval, job.rest) < now
        ]
        for key in quiet:
            del self._jobs[key]
