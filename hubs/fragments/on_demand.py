"""What readers get: the cached fragment, else one that is built in the background while they wait a moment.

A reader never waits for long. A build that takes longer goes on without readers; who asks meanwhile is told to come
back. A build that exceeds its budget is given up, and the daemon tries it again later. So a widget that hangs holds
threads of its own, and none that answers requests.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import joinedload

from hubs.fragments.build_lock import BuildLock
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import DEFAULT_LOCALE, Fragment, FragmentStore
from hubs.fragments.thread_pool import BoundedThreadPool
from hubs.fragments.waiting import PATIENCE, WaitLimiter
from hubs.models import Database, Widget

log = logging.getLogger(__name__)

#: Seconds for which the daemon is not asked again for the same widget, and widgets that are remembered for it.
ASKED, REMEMBERED = 5.0, 10_000


@dataclass(eq=False, slots=True)
class _Build:
    """One build of this process; ``made`` is its result once it has ``ended``."""

    widget: int
    key: str
    locale: str
    claim: BuildLock
    started: float = field(default_factory=time.monotonic)
    made: Fragment | None = None
    ended: bool = False


class FragmentReader:
    """Serves fragments to readers; one per process of the web app."""

    def __init__(
        self,
        fragments: FragmentStore,
        database: Database,
        due: BuildSchedule,
        crew: BoundedThreadPool,
        seats: WaitLimiter | None = None,
    ) -> None:
        self._fragments, self._database, self._due, self._crew = fragments, database, due, crew
        self._changed = threading.Condition()
        self._builds: dict[str, _Build] = {}
        self._seats = seats or WaitLimiter()

    def read(self, row: Widget, locale: str = DEFAULT_LOCALE, patience: float = PATIENCE) -> Fragment | None:
        """Return a widget's fragment, built now on a miss; None while it is still being built."""
        return self.read_many([row], locale, patience).get(row.id)

    def read_many(
        self, rows: Sequence[Widget], locale: str = DEFAULT_LOCALE, patience: float = PATIENCE
    ) -> dict[int, Fragment]:
        """Return the fragments of ``rows`` by the widgets' ids; what is not built within ``patience`` is left out."""
        found = self._fragments.read_many(rows, locale)
        missing = {row: self._begin(row, locale) for row in rows if row.id not in found}
        if missing:
            self._wait(missing, found, locale, patience)
        return found

    def _begin(self, row: Widget, locale: str) -> _Build | None:
        """Return this process's build, begun now if there is none; None when another builds, or no thread is free."""
        key = self._fragments.key(row, locale)
        with self._changed:
            if key in self._builds:
                return self._builds[key]
        claim = self._fragments.claim(row)
        if claim is None:
            return None
        build = _Build(row.id, key, locale, claim)
        # Whoever had the claim may have finished between our look and our claim.
        build.made = self._fragments.read(row, locale)
        if build.made is not None:
            build.ended = True
            claim.release()
            return build
        with self._changed:
            known = self._builds.setdefault(key, build)
        if known is not build:  # without a cache, two threads may both have a claim
            claim.release()
            return known
        if self._crew.start(f"widget {row.id}", lambda: self._make(build), lambda: self._give_up(build)):
            return build
        self._end(build)
        claim.release()
        return None

    def _wait(
        self, missing: dict[Widget, _Build | None], found: dict[int, Fragment], locale: str, patience: float
    ) -> None:
        """Move what gets built from ``missing`` to ``found``, as long as there is patience and a seat."""

        def is_ready() -> bool:
            self._collect(missing, found, locale)
            return not missing

        try:
            self._seats.wait(self._changed, is_ready, patience)
        finally:
            # All our threads are busy; the daemon has some of its own.
            self._due.ask(row.id for row, build in missing.items() if build is None and not self._is_begun(row))

    def _is_begun(self, row: Widget) -> bool:
        return self._fragments.building_for(row) is not None

    def _collect(self, missing: dict[Widget, _Build | None], found: dict[int, Fragment], locale: str) -> None:
        """Take what is ready; drop what has been under way for so long that nobody should wait for it."""
        elsewhere = [row for row, build in missing.items() if build is None]
        found |= self._fragments.read_many(elsewhere, locale)
        for row, build in list(missing.items()):
            if row.id in found or self._is_slow(row, build):
                del missing[row]
            elif build is not None and build.ended:
                if build.made is not None:
                    found[row.id] = build.made
                del missing[row]
            elif build is None and not self._is_begun(row):
                missing[row] = self._begin(row, locale)

    def _is_slow(self, row: Widget, build: _Build | None) -> bool:
        if build is not None:
            return not build.ended and time.monotonic() - build.started > PATIENCE
        age = self._fragments.building_for(row)
        return age is not None and age > PATIENCE

    def _make(self, build: _Build) -> None:
        """Build, in a thread of the crew."""
        try:
            with self._database.session() as session:
                row = session.get(Widget, build.widget, options=[joinedload(Widget.hub)])
                session.commit()  # gives the connection back: a widget that hangs must not keep it
                if row is None:
                    return
                made = self._fragments.build(row, build.locale, claim=build.claim)
            build.made = made
            self._due.settle(build.widget, made.due, failed=bool(made.failures))
        finally:
            build.claim.release()
            self._end(build)

    def _give_up(self, build: _Build) -> None:
        """Let go of a build that exceeds its budget; readers see that it failed, and the daemon tries again."""
        try:
            with self._database.session() as session:
                row = session.get(Widget, build.widget, options=[joinedload(Widget.hub)])
                if row is None:
                    return
                build.made = self._fragments.give_up(row, TimeoutError(self._crew.late), build.locale)
            self._due.settle(build.widget, build.made.due, failed=True)
        finally:
            self._end(build)

    def _end(self, build: _Build) -> None:
        with self._changed:
            build.ended = True
            if self._builds.get(build.key) is build:
                del self._builds[build.key]
            self._changed.notify_all()


class RefreshRequester:
    """Asks the daemon for widgets whose time has come, as readers see them; not for each reader again."""

    def __init__(self, due: BuildSchedule) -> None:
        self._due = due
        self._asked: dict[int, float] = {}

    def __call__(self, widgets: list[int]) -> None:
        """Ask for those that were not asked for a moment ago."""
        now = time.monotonic()
        fresh = [widget for widget in widgets if now - self._asked.get(widget, float("-inf")) > ASKED]
        if not fresh:
            return
        if len(self._asked) > REMEMBERED:
            self._asked.clear()
        self._asked.update(dict.fromkeys(fresh, now))
        self._due.ask(fresh)
