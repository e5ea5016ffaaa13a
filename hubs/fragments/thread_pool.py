"""A thread pool with a time limit per task. Threads that overrun are abandoned and replaced.

Python cannot end a thread that is stuck in a socket. A task that overruns is reported by its timeout handler, and its
thread no longer counts towards the pool's size; it ends when the task returns. The number of abandoned threads is
bounded; beyond it, a task that hangs keeps its place in the pool.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hubs import logs

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Task:
    """One piece of work; ``on_timeout`` is called in another thread when the time limit is exceeded."""

    name: str
    run: Callable[[], None]
    on_timeout: Callable[[], None]
    #: What log lines of the task belong to.
    fields: dict[str, Any] = field(default_factory=dict)
    deadline: float = float("inf")
    overdue: bool = False
    abandoned: bool = False


class BoundedThreadPool:
    """Runs at most ``size`` tasks at once, each for ``budget`` seconds; at most ``max_abandoned`` more may be stuck."""

    def __init__(self, name: str, size: int, budget: float, max_abandoned: int = 16) -> None:
        self._name, self._size, self._budget, self._max_abandoned = name, size, budget, max_abandoned
        self._changed = threading.Condition()
        self._waiting: deque[_Task] = deque()
        self._running: set[_Task] = set()
        self._active = self._idle = self._started = self._threads = 0
        self._watching = self._stopping = False
        #: Threads that are currently beyond the time limit.
        self.abandoned = 0
        #: What happened since the start: late, returned.
        self.counts: Counter[str] = Counter()

    @property
    def timeout_text(self) -> str:
        """The error text for a task that exceeded the time limit."""
        return f"no content within {self._budget:g} s; it is tried again later"

    def start(self, name: str, run: Callable[[], None], on_timeout: Callable[[], None]) -> bool:
        """Start a task; False when all threads are busy. Exceptions raised by the task are logged, never propagated."""
        with self._changed:
            if self._active >= self._size or self._stopping:
                return False
            self._active += 1
            self._waiting.append(_Task(name, run, on_timeout, dict(logs.current())))
            if len(self._waiting) > self._idle and self._threads < self._size:
                self._started += 1
                self._threads += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True).start()
            if not self._watching:  # only now: a thread started at creation would not survive the fork of the workers
                self._watching = True
                threading.Thread(target=self._watch, name=f"{self._name}-watch", daemon=True).start()
            self._changed.notify_all()
            return True

    def wait_for_room(self) -> bool:
        """Wait until a task can be started; False once the pool is stopping."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._active < self._size)
            return not self._stopping

    def stop(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds for running tasks; start no others."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._active == 0, timeout)

    def _work(self) -> None:
        while (task := self._take()) is not None:
            self._survive(task.run, task)
            if self._finish(task):
                return

    def _take(self) -> _Task | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._stopping or self._waiting)
            self._idle -= 1
            if not self._waiting:
                return None
            task = self._waiting.popleft()
            task.deadline = time.monotonic() + self._budget
            self._running.add(task)
            self._changed.notify_all()
            return task

    def _finish(self, task: _Task) -> bool:
        """Return whether the thread must end because another one has replaced it."""
        with self._changed:
            self._running.discard(task)
            if task.abandoned:
                self.abandoned -= 1
            else:
                self._active -= 1
            if task.overdue:
                self.counts["returned"] += 1
                log.warning("%s finished after its time limit", task.name)
            self._changed.notify_all()
            return task.abandoned

    def _watch(self) -> None:
        while True:
            with self._changed:
                late = self._overdue()
                if not late:
                    if self._stopping:
                        return
                    ends = [task.deadline for task in self._running if not task.overdue]
                    self._changed.wait(max(0.0, min(ends) - time.monotonic()) if ends else None)
            # Outside the lock: a handler writes to the cache and may take a while.
            for task in late:
                self._survive(task.on_timeout, task)

    def _overdue(self) -> list[_Task]:
        """Mark and return the tasks that have just exceeded the time limit."""
        now = time.monotonic()
        overdue = [task for task in self._running if not task.overdue and task.deadline <= now]
        for task in overdue:
            task.overdue = True
            task.abandoned = self.abandoned < self._max_abandoned
            self.counts["late"] += 1
            if task.abandoned:  # its place in the pool becomes free, although the thread still runs
                self.abandoned += 1
                self._active -= 1
                self._threads -= 1
                self._changed.notify_all()
            outcome = (
                "its thread is abandoned" if task.abandoned else "it keeps its place, too many threads are abandoned"
            )
            log.error("%s exceeds %g s; %s (%d abandoned now)", task.name, self._budget, outcome, self.abandoned)
        return overdue

    @staticmethod
    def _survive(run: Callable[[], None], task: _Task) -> None:
        with logs.bound(**task.fields):
            try:
                run()
            except BaseException:  # even SystemExit: a dead thread would keep its place in the pool for ever
                log.exception("%s failed", task.name)
