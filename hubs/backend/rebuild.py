"""Rebuilding fragments: coalesced, one builder per widget, in a bounded pool of threads.

A widget that is asked for once is built at once. What is asked for while it is being built, or within ``interval``
seconds of the last start, is built once more after that, however often it was asked for. What failed is tried again,
later and later.
"""

import heapq
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from hubs.cache import key_of
from hubs.events import Stream, hub_channel
from hubs.models import Database, Visibility, Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.fragments import DEFAULT_LOCALE, Fragment, Fragments

log = logging.getLogger(__name__)

#: Seconds until the next try when another process builds the widget just now.
BUSY = 0.2
#: Seconds until the next try after a failure: doubled each time up to the second figure, and jittered.
RETRY = (2.0, 3600.0)
#: Builds between two looks for widgets that nobody asked for lately.
FORGET_EVERY = 1000


@dataclass
class _Job:
    """What is known of one widget that waits, is being built, or was built a moment ago."""

    stale: set[int] = field(default_factory=set)
    due: float | None = None
    running: bool = False
    started: float = float("-inf")


class Rebuilder:
    """Builds widgets' fragments in threads and pushes those that changed to the browsers."""

    def __init__(
        self, database: Database, fragments: Fragments, stream: Stream, threads: int = 4, interval: float = 1.0
    ) -> None:
        self._database, self._fragments, self._stream = database, fragments, stream
        self._interval = interval
        self._changed = threading.Condition()
        self._jobs: dict[int, _Job] = {}
        self._queue: list[tuple[float, int]] = []
        self._stopping = False
        self._finished = 0
        #: What happened since the start: asked, built, pushed, failed, busy.
        self.counts: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._work, name=f"rebuild-{number}", daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 0.5) -> None:
        """Let running builds finish for at most ``timeout`` seconds; drop what waits."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))

    def request(self, widget_id: int, stale: Iterable[int] = (), delay: float = 0.0) -> None:
        """Ask for a widget to be built anew; ``stale`` are the numbers of the cached functions to compute anew."""
        now = time.monotonic()
        with self._changed:
            self.counts["asked"] += 1
            job = self._jobs.setdefault(widget_id, _Job())
            job.stale.update(stale)
            self._schedule(widget_id, job, max(now + delay, job.started + self._interval))

    def idle(self) -> bool:
        """Tell whether nothing waits and nothing is being built."""
        with self._changed:
            return not any(job.running or job.due is not None for job in self._jobs.values())

    def __len__(self) -> int:
        """Return the number of widgets that wait or are being built."""
        with self._changed:
            return sum(job.running or job.due is not None for job in self._jobs.values())

    def _schedule(self, widget_id: int, job: _Job, due: float) -> None:
        if job.due is None or due < job.due:
            job.due = due
            heapq.heappush(self._queue, (due, widget_id))
            self._changed.notify()

    def _work(self) -> None:
        while (claimed := self._next()) is not None:
            widget_id, stale = claimed
            again: float | None = None
            try:
                again = self._build(widget_id, stale)
            except SQLAlchemyError as error:
                log.warning("widget %s waits, the database does not answer: %s", widget_id, error)
                again = RETRY[0]
            except Exception:  # a thread that dies would take the others' work with it one by one
                log.exception("widget %s cannot be rebuilt", widget_id)
                self.counts["failed"] += 1
            self._done(widget_id, stale, again)

    def _next(self) -> tuple[int, set[int]] | None:
        """Wait for the next widget that is due and claim it; None at the end."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._queue and self._queue[0][0] <= now:
                    due, widget_id = heapq.heappop(self._queue)
                    job = self._jobs.get(widget_id)
                    # A job that was moved forward leaves its old place in the queue behind.
                    if job is None or job.due != due or job.running:
                        continue
                    stale, job.stale = job.stale, set()
                    job.due, job.running, job.started = None, True, now
                    return widget_id, stale
                self._changed.wait(self._queue[0][0] - now if self._queue else None)
            return None

    def _done(self, widget_id: int, stale: set[int], again: float | None) -> None:
        with self._changed:
            job = self._jobs[widget_id]
            job.running = False
            if again is not None:
                job.stale |= stale
                self._schedule(widget_id, job, time.monotonic() + again)
            elif job.due is not None:
                # Asked for while it was being built: its place in the queue may have been passed over.
                heapq.heappush(self._queue, (job.due, widget_id))
                self._changed.notify()
            self._finished += 1
            if self._finished % FORGET_EVERY == 0:
                self._forget()

    def _forget(self) -> None:
        old = time.monotonic() - self._interval
        quiet = [key for key, job in self._jobs.items() if not job.running and job.due is None and job.started < old]
        for key in quiet:
            del self._jobs[key]

    def _build(self, widget_id: int, stale: set[int]) -> float | None:
        """Build one widget and push it; return the seconds after which it must be tried again, if at all."""
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            if row is None:
                return None
            release = self._fragments.claim(row)
            if release is None:
                self.counts["busy"] += 1
                return BUSY
            try:
                made = self._fragments.build(row, DEFAULT_LOCALE, self._functions(row, stale))
            finally:
                release()
        self.counts["built"] += 1
        self._push(made, row.audience, DEFAULT_LOCALE)
        if not made.failures:
            return None
        self.counts["failed"] += 1
        return random.uniform(0.5, 1.0) * min(RETRY[0] * 2.0**made.failures, RETRY[1])

    def _functions(self, row: Widget, stale: set[int]) -> list[type[CachedFunction]]:
        found = self._fragments.registry.get(row.plugin)
        return [found.functions[number] for number in sorted(stale) if number < len(found.functions)] if found else []

    def _push(self, made: Fragment, audience: Visibility, locale: str) -> None:
        """Push a fragment unless it is what was pushed last.

        What was pushed last is remembered apart from the fragment, since the web app may have built that on a miss,
        and nobody was told.
        """
        key, mark = key_of("p", made.widget, locale), f"{made.version}-{made.digest}".encode()
        if self._fragments.cache.get(key) == mark:
            return
        if self._stream.publish(hub_channel(made.hub, audience, locale), "widget", made.public()) is not None:
            self.counts["pushed"] += 1
            self._fragments.cache.set(key, mark, 86400)
