"""Serves fragments to web requests: from the cache, or built in the background while the request waits briefly.

A build that exceeds its time limit is given up, and the daemon retries it later. A widget that hangs blocks threads of
the pool, never those that serve requests.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial

from hubs import i18n
from hubs.cache import key_of
from hubs.fragments import widget_row
from hubs.fragments.build_lock import BuildLock
from hubs.fragments.fragment import push_mark
from hubs.fragments.jobs import PATIENCE, Job, JobEngine
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import DEFAULT_LOCALE, Fragment, FragmentStore
from hubs.models import Database, Widget

log = logging.getLogger(__name__)

#: The kind of these jobs in the engine.
BUILD = "build"
#: Seconds between two requests to the daemon for the same widget, and number of widgets remembered for that.
REPEAT_AFTER, REMEMBERED = 5.0, 10_000
#: Seconds between two builds of a widget that viewers request because it failed, over all processes.
RETRY_AFTER = 10

#: The widgets that are not in the cache, each with the job that builds it; None if another process does.
_Missing = dict[Widget, Job[Fragment] | None]


class FragmentReader:
    """Serves fragments to requests; one per web process."""

    def __init__(
        self, fragments: FragmentStore, database: Database, schedule: BuildSchedule, engine: JobEngine
    ) -> None:
        self._fragments, self._database, self._schedule, self._engine = fragments, database, schedule, engine

    def read(self, row: Widget, locale: str = DEFAULT_LOCALE, patience: float = PATIENCE) -> Fragment | None:
        """Return a widget's fragment, built now on a miss; None while it is still being built."""
        return self.read_many([row], locale, patience).get(row.id)

    def read_many(
        self, rows: Sequence[Widget], locale: str = DEFAULT_LOCALE, patience: float = PATIENCE
    ) -> dict[int, Fragment]:
        """Return the fragments of ``rows`` by widget id; those not built within ``patience`` seconds are left out."""
        fragments = self._fragments.read_many(rows, locale)
        missing: _Missing = {row: self._begin(row, locale) for row in rows if row.id not in fragments}
        if missing:
            self._wait(missing, fragments, locale, patience)
        return fragments

    def retry(self, row: Widget, locale: str = DEFAULT_LOCALE) -> str:
        """Request another build of a failed widget; return the state that viewers see until then.

        Nothing is requested if it has not failed, while it is being built, or `RETRY_AFTER` seconds after the last
        request. The result is pushed even if it is the same failure again, since viewers wait for it.
        """
        fragment = self._fragments.read(row, locale)
        if fragment is None or fragment.state != "failed":
            return fragment.state if fragment else "building"
        cache = self._fragments.cache
        if not self._is_building(row) and cache.add(key_of("retry", row.id), b"1", RETRY_AFTER):
            cache.delete(*(push_mark(row.id, name) for name in i18n.locales()))
            self._schedule.request([row.id])
        return fragment.state

    def _begin(self, row: Widget, locale: str) -> Job[Fragment] | None:
        """Return the job that builds a fragment, started if needed; None if another process does, or all are busy."""
        job: Job[Fragment] = Job(self._fragments.key(row, locale), BUILD, f"widget {row.id}")
        known = self._engine.get(job.key)
        if known is not None:
            return known
        lock = self._fragments.lock(row)
        if lock is None:
            return None
        # Another process may have finished between our read of the cache and our lock.
        cached = self._fragments.read(row, locale)
        if cached is not None:
            job.result, job.done = cached, True
            lock.release()
            return job
        build, give_up = partial(self._build, row.id, locale, lock), partial(self._give_up, row.id, locale)
        started = self._engine.submit(job, build, give_up)
        if (
            started is not job
        ):  # no thread is free, or another thread has started the job (without a cache, both get a lock)
            lock.release()
        return started

    def _wait(self, missing: _Missing, fragments: dict[int, Fragment], locale: str, patience: float) -> None:
        """Move fragments that get built from ``missing`` to ``fragments``, as long as the request may wait."""

        def is_ready() -> bool:
            self._collect(missing, fragments, locale)
            return not missing

        try:
            self._engine.wait(is_ready, patience)
        finally:
            # All threads of this process are busy; those of the daemon may not be.
            self._schedule.request(row.id for row, job in missing.items() if job is None and not self._is_building(row))

    def _is_building(self, row: Widget) -> bool:
        return self._fragments.building_for(row) is not None

    def _collect(self, missing: _Missing, fragments: dict[int, Fragment], locale: str) -> None:
        """Collect finished fragments; give up waiting for those that have been building for long."""
        elsewhere = [row for row, job in missing.items() if job is None]
        fragments |= self._fragments.read_many(elsewhere, locale)
        for row, job in list(missing.items()):
            if row.id in fragments or self._is_slow(row, job):
                del missing[row]
            elif job is not None and job.done:
                if job.result is not None:
                    fragments[row.id] = job.result
                del missing[row]
            # The other builder died, or failed to store its result: this process takes over.
            elif job is None and not self._is_building(row):
                missing[row] = self._begin(row, locale)

    def _is_slow(self, row: Widget, job: Job[Fragment] | None) -> bool:
        if job is not None:
            return not job.done and time.monotonic() - job.started > PATIENCE
        age = self._fragments.building_for(row)
        return age is not None and age > PATIENCE

    def _build(self, widget_id: int, locale: str, lock: BuildLock) -> Fragment | None:
        """Build a fragment in a thread of the pool; None if the widget has been deleted."""
        try:
            with self._database.session() as session:
                row = widget_row.read(session, widget_id)
                session.commit()  # returns the connection to the pool: a widget that hangs must not keep it
                if row is None:
                    return None
                fragment = self._fragments.build(row, locale, lock=lock)
            self._schedule.finish(widget_id, fragment.due, failed=bool(fragment.failures))
            return fragment
        finally:
            lock.release()

    def _give_up(self, widget_id: int, locale: str) -> Fragment | None:
        """Store and return a fragment that says that the build timed out; the daemon retries it."""
        with self._database.session() as session:
            row = widget_row.read(session, widget_id)
            if row is None:
                return None
            fragment = self._fragments.give_up(row, TimeoutError(self._engine.timeout_text), locale)
        self._schedule.finish(widget_id, fragment.due, failed=True)
        return fragment


class RefreshRequester:
    """Requests builds of expired widgets from the daemon, at most every `REPEAT_AFTER` seconds each."""

    def __init__(self, schedule: BuildSchedule) -> None:
        self._schedule = schedule
        self._requested_at: dict[int, float] = {}

    def __call__(self, widgets: list[int]) -> None:
        """Request those widgets that were not requested lately."""
        now = time.monotonic()
        fresh = [widget for widget in widgets if now - self._requested_at.get(widget, float("-inf")) > REPEAT_AFTER]
        if not fresh:
            return
        if len(self._requested_at) > REMEMBERED:
            self._requested_at.clear()
        self._requested_at.update(dict.fromkeys(fresh, now))
        self._schedule.request(fresh)
