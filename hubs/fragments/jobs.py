"""The background-job engine of a web process: fragments, full lists, calendar files and previews are jobs of it.

There is one job per key, however many requests want its result. A request waits briefly; a job that takes longer goes
on without it, and the next request finds the result. A job that exceeds the pool's time limit gets the result that its
timeout handler returns; it stays registered while its thread is stuck, so that the same work is not started again.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from hubs.fragments.thread_pool import BoundedThreadPool

T = TypeVar("T")

#: Seconds for which a request waits for a result, and between two checks.
PATIENCE, POLL = 1.5, 0.05
#: Requests per process that may wait longer than `GRACE` seconds. Others get a response that makes the browser retry,
#: so that slow widgets never use up the threads that serve everything else.
MAX_WAITERS, GRACE = 2, 0.3


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """One job of this process. ``result`` is valid once it is ``done``; None means that the work failed."""

    key: str
    kind: str
    subject: str
    started: float = field(default_factory=time.monotonic)
    result: T | None = None
    done: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether it has been running for so long that no further request should wait for it."""
        return not self.done and time.monotonic() - self.started > PATIENCE


class JobEngine:
    """Runs jobs on ``pool``; of each kind at most as many at once as ``limits`` says."""

    def __init__(self, pool: BoundedThreadPool, limits: Mapping[str, int], waiters: int = MAX_WAITERS) -> None:
        self._pool, self._limits = pool, limits
        self._changed = threading.Condition()
        self._jobs: dict[str, Job[Any]] = {}
        self._waiters = threading.BoundedSemaphore(waiters)

    @property
    def timeout_text(self) -> str:
        """The error text for a job that exceeded the time limit."""
        return self._pool.timeout_text

    def __len__(self) -> int:
        """Return the number of jobs whose threads have not returned."""
        with self._changed:
            return len(self._jobs)

    def get(self, key: str) -> Job[Any] | None:
        """Return the job with ``key``, or None when there is none."""
        with self._changed:
            return self._jobs.get(key)

    def submit(
        self,
        job: Job[T],
        work: Callable[[], T | None],
        on_timeout: Callable[[], T | None],
        *,
        most: int | None = None,
        ready: Callable[[], T | None] = lambda: None,
    ) -> Job[T] | None:
        """Start a job and return it, or the one that is registered under its key.

        None if all threads are busy, or ``most`` other jobs of the same subject are running. If all of those timed out
        and are stuck, one of them is returned; its result is the error. ``ready`` is called after registering the job
        and may return a result that was stored since the caller checked.
        """
        with self._changed:
            if (known := self._known(job, most)) is not job:
                return known
            self._jobs[job.key] = job
        # Outside the lock, since `ready` reads the cache.
        result = ready()
        if result is not None:
            self._finish(job, result)
        elif self._pool.start(job.subject, lambda: self._run(job, work), lambda: self._finish(job, on_timeout())):
            return job
        self._remove(job)
        return job if job.done else None

    def wait(self, is_ready: Callable[[], bool], patience: float | None = None) -> None:
        """Wait until ``is_ready``, for at most ``patience`` seconds (`PATIENCE`), or `GRACE` if too many wait."""
        patience = PATIENCE if patience is None else patience
        start, waiting = time.monotonic(), False
        try:
            while not is_ready():
                passed = time.monotonic() - start
                if passed > patience:
                    return
                # Only waits beyond `GRACE` take a place: most builds finish within it.
                if passed > GRACE and not waiting:
                    waiting = self._waiters.acquire(blocking=False)
                    if not waiting:
                        return
                with self._changed:
                    self._changed.wait(POLL)
        finally:
            if waiting:
                self._waiters.release()

    def _known(self, job: Job[T], most: int | None) -> Job[T] | None:
        """Return ``job`` if it may be started, else the job, or None, that `submit` returns instead."""
        if job.key in self._jobs:
            return self._jobs[job.key]
        same = [other for other in self._jobs.values() if other.subject == job.subject]
        if most is not None and len(same) >= most:
            return same[0] if all(other.done for other in same) else None
        running = Counter(other.kind for other in self._jobs.values() if not other.done)
        return job if running[job.kind] < self._limits.get(job.kind, 1) else None

    def _run(self, job: Job[T], work: Callable[[], T | None]) -> None:
        """Do the work, in a thread of the pool."""
        result: T | None = None
        try:
            result = work()
        finally:  # also for errors: a job that stays registered would block its key for ever
            self._finish(job, result)
            self._remove(job)

    def _finish(self, job: Job[T], result: T | None) -> None:
        with self._changed:
            job.result, job.done = result, True
            self._changed.notify_all()

    def _remove(self, job: Job[T]) -> None:
        with self._changed:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            self._changed.notify_all()
