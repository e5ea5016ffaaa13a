"""Threads that build, each within a budget of time.

Nobody can end a thread that is stuck in somebody's socket. So what exceeds its budget is given up: whoever waits is
told, and the thread is counted as lost and no longer takes the place of others. When it comes back it ends. The number
of lost threads is bounded; beyond it, what hangs keeps its place.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Task:
    """One piece of work; ``late`` is called when it exceeds the budget, in another thread."""

    name: str
    act: Callable[[], None]
    late: Callable[[], None]
    deadline: float = float("inf")
    overdue: bool = False
    lost: bool = False


class BoundedThreadPool:
    """Works on at most ``size`` tasks at once; at most ``most_lost`` more may be stuck beyond their ``budget``."""

    def __init__(self, name: str, size: int, budget: float, most_lost: int = 16) -> None:
        self._name, self._size, self._budget, self._most_lost = name, size, budget, most_lost
        self._changed = threading.Condition()
        self._waiting: deque[_Task] = deque()
        self._running: set[_Task] = set()
        self._active = self._idle = self._made = self._threads = 0
        self._watching = self._stopping = False
        #: Threads that are stuck beyond their budget now.
        self.lost = 0
        #: What happened since the start: late, returned.
        self.counts: Counter[str] = Counter()

    @property
    def late(self) -> str:
        """What to say of a task that exceeded its budget."""
        return f"no content within {self._budget:g} s; it is tried again later"

    def start(self, name: str, act: Callable[[], None], late: Callable[[], None]) -> bool:
        """Begin a task in a thread; False when all are busy. Nothing that a task raises comes out of here."""
        with self._changed:
            if self._active >= self._size or self._stopping:
                return False
            self._active += 1
            self._waiting.append(_Task(name, act, late))
            if len(self._waiting) > self._idle and self._threads < self._size:
                self._made += 1
                self._threads += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._made}", daemon=True).start()
            if not self._watching:  # threads are made when first needed, hence after the server forked its workers
                self._watching = True
                threading.Thread(target=self._watch, name=f"{self._name}-watch", daemon=True).start()
            self._changed.notify_all()
            return True

    def wait_for_room(self) -> bool:
        """Wait until a task can be begun; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._active < self._size)
            return not self._stopping

    def stop(self, timeout: float) -> None:
        """Let running tasks finish for at most ``timeout`` seconds; begin no more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._active == 0, timeout)

    def _work(self) -> None:
        while (task := self._take()) is not None:
            self._survive(task.act, task.name)
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
        """Return whether the thread must end, since its place was given to another."""
        with self._changed:
            self._running.discard(task)
            if task.lost:
                self.lost -= 1
            else:
                self._active -= 1
            if task.overdue:
                self.counts["returned"] += 1
                log.warning("%s came back after all", task.name)
            self._changed.notify_all()
            return task.lost

    def _watch(self) -> None:
        while True:
            with self._changed:
                late = self._overdue()
                if not late:
                    if self._stopping:
                        return
                    ends = [task.deadline for task in self._running if not task.overdue]
                    self._changed.wait(max(0.0, min(ends) - time.monotonic()) if ends else None)
            for task in late:
                self._survive(task.late, task.name)

    def _overdue(self) -> list[_Task]:
        """Write off what exceeded its budget just now, and return it."""
        now = time.monotonic()
        found = [task for task in self._running if not task.overdue and task.deadline <= now]
        for task in found:
            task.overdue = True
            task.lost = self.lost < self._most_lost
            self.counts["late"] += 1
            if task.lost:
                self.lost += 1
                self._active -= 1
                self._threads -= 1
                self._changed.notify_all()
            kept = "its thread is lost" if task.lost else "it keeps its place, too many threads are lost"
            log.error("%s exceeds %g s; %s (%d lost now)", task.name, self._budget, kept, self.lost)
        return found

    @staticmethod
    def _survive(act: Callable[[], None], name: str) -> None:
        try:
            act()
        except BaseException:  # a thread that dies would keep its place for ever, SystemExit of a widget included
            log.exception("%s failed", name)
