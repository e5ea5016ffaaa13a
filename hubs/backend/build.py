"""Building one widget's fragment and pushing it: what threads of the daemon and Celery workers do alike."""

import logging
import time
from collections import Counter
from collections.abc import Iterable

from sqlalchemy.orm import joinedload

from hubs.cache import key_of
from hubs.due import Due
from hubs.events import Stream, hub_channel
from hubs.models import Database, Visibility, Widget
from hubs.widgets.caching import CachedFunction
from hubs.widgets.fragments import DEFAULT_LOCALE, Fragment, Fragments

log = logging.getLogger(__name__)

#: Stands for all cached functions of a widget, where their numbers are asked for.
ALL = -1
#: Seconds until the next look while another process builds the widget: as long as it has been building, within these.
BUSY = (0.2, 5.0)


class Builder:
    """Builds widgets, pushes those that changed, and notes in Redis what must be built again, and when."""

    def __init__(self, database: Database, fragments: Fragments, stream: Stream, due: Due, budget: float) -> None:
        self._database, self._fragments, self._stream, self._due = database, fragments, stream, due
        self._budget = budget
        #: What happened since the start: built, pushed, failed, busy, overtaken.
        self.counts: Counter[str] = Counter()

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Build one widget and push it; ``stale`` are the numbers of the cached functions to compute anew, or `ALL`.

        Return the seconds after which the caller must come back, where nobody else will: None for never.
        """
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            session.commit()  # gives the connection back: a widget that hangs must not keep it
            if row is None:
                self._due.done(widget_id)
                self._due.drop_timed([widget_id])
                return None
            claim = self._fragments.claim(row)
            if claim is None:
                self.counts["busy"] += 1
                return min(max(BUSY[0], self._fragments.building_for(row) or 0.0), BUSY[1])
            try:
                made = self._fragments.build(row, DEFAULT_LOCALE, self._functions(row, stale), claim)
                held = claim.held()
            finally:
                claim.release()
        if not held:  # it took so long that somebody else was let in; theirs is newer
            self.counts["overtaken"] += 1
            return None
        self.counts["built"] += 1
        return self._finish(made, row.audience)

    def give_up(self, widget_id: int) -> float | None:
        """Tell readers that a build exceeded its budget; return what `build` does."""
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            if row is None:
                return None
            error = TimeoutError(f"no content within {self._budget:g} s; it is tried again later")
            made = self._fragments.give_up(row, error)
        return self._finish(made, row.audience)

    def _finish(self, made: Fragment, audience: Visibility) -> float | None:
        self._push(made, audience, DEFAULT_LOCALE)
        failed = bool(made.failures)
        self.counts["failed"] += failed
        if self._due.settle(made.widget, made.due, failed=failed) or not failed:
            return None
        return max(0.0, made.due - time.time())

    def _functions(self, row: Widget, stale: Iterable[int]) -> list[type[CachedFunction]]:
        found = self._fragments.registry.get(row.plugin)
        if found is None:
            return []
        wanted = set(stale)
        return [one for number, one in enumerate(found.functions) if number in wanted or ALL in wanted]

    def _push(self, made: Fragment, audience: Visibility, locale: str) -> None:
        """Push a fragment unless it is what was pushed last.

        What was pushed last is remembered apart from the fragment, since the web app may have built that on a miss,
        and nobody was told.
        """
        key, mark = key_of("p", made.widget, locale), f"{made.version}-{made.digest}-{made.state}".encode()
        if self._fragments.cache.get(key) == mark:
            return
        if self._stream.publish(hub_channel(made.hub, audience, locale), "widget", made.public()) is not None:
            self.counts["pushed"] += 1
            self._fragments.cache.set(key, mark, 86400)
