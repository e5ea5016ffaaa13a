"""Building one widget's fragment and pushing it: what threads of the daemon and Celery workers do alike."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hubs import i18n
from hubs.cache import key_of
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.fragments.build_lock import BuildLock
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Database, Visibility, Widget
from hubs.widgets.caching import CachedFunction

log = logging.getLogger(__name__)

#: Stands for all cached functions of a widget, where their numbers are asked for.
ALL = -1
#: Seconds until the next look while another process builds the widget: as long as it has been building, within these.
BUSY = (0.2, 5.0)
#: Widgets of which is remembered whether they ask other services.
REMEMBERED = 100_000


@dataclass
class BuildResult:
    """The fragments of one build by language, and whether any of them changed."""

    fragments: dict[str, Fragment] = field(default_factory=dict)
    changed: bool = False


class Builder:
    """Builds widgets, pushes those that changed, and notes in Redis what must be built again, and when."""

    def __init__(
        self, database: Database, fragments: FragmentStore, stream: EventLog, due: BuildSchedule, budget: float
    ) -> None:
        self._database, self._fragments, self._stream, self._due = database, fragments, stream, due
        self._budget = budget
        self._quick: dict[int, bool] = {}
        #: What happened since the start: built, pushed, failed, busy, overtaken.
        self.counts: Counter[str] = Counter()

    def is_quick(self, widget_id: int) -> bool:
        """Return whether building the widget asks no other service; also true for a widget that is gone.

        A widget never changes its type, so the answer is remembered.
        """
        known = self._quick.get(widget_id)
        if known is None:
            with self._database.session() as session:
                plugin = session.scalar(select(Widget.plugin).where(Widget.id == widget_id))
            known = plugin is None or self._is_quick(plugin)
            if len(self._quick) >= REMEMBERED:
                self._quick.clear()
            self._quick[widget_id] = known
        return known

    def build(self, widget_id: int, stale: Iterable[int]) -> float | None:
        """Build one widget and push it; ``stale`` are the numbers of the cached functions to compute again, or `ALL`.

        It is built in the default language and in those of the hub's current viewers. In other languages the cached
        fragment is removed, so that the next request builds it.

        Return the seconds after which the caller must come back, where nobody else will: None for never.
        """
        touched = self._due.touched(widget_id)  # before anything is read: what is touched later is not in this build
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            if row is None:
                self._due.forget(widget_id)
                return None
            if not self._is_quick(row.plugin):
                session.commit()  # gives the connection back: a widget that hangs must not keep it
            lock = self._fragments.lock(row)
            if lock is None:
                self.counts["busy"] += 1
                return min(max(BUSY[0], self._fragments.building_for(row) or 0.0), BUSY[1])
            try:
                result = self._make(row, self._functions(row, stale), lock)
                if result is not None:
                    self._fragments.forget(row, self._others(result))
                    self._tell_others(result, row.audience)
            finally:
                lock.release()
        if result is None:  # the lock expired and another builder took over; its result is newer
            self.counts["overtaken"] += 1
            return None
        self.counts["built"] += 1
        return self._settle(result, touched)

    def give_up(self, widget_id: int, error: Exception | None = None) -> float | None:
        """Tell readers that a build exceeded its budget, or why else it is given up; return what `build` does."""
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            if row is None:
                return None
            late, result = TimeoutError(f"no content within {self._budget:g} s; it is tried again later"), BuildResult()
            for locale in self._locales(row):
                result.fragments[locale] = self._fragments.give_up(row, error or late, locale)
                self._push(result, locale, row.audience)
            self._tell_others(result, row.audience)
        return self._settle(result, self._due.touched(widget_id))

    def _locales(self, row: Widget) -> list[str]:
        """Return the languages in which a widget is built now, the default one first."""
        watched = self._stream.watched(row.hub_id)
        return [locale for locale in i18n.locales() if locale == i18n.DEFAULT or locale in watched]

    def _others(self, result: BuildResult) -> list[str]:
        """Return the languages in which a widget was not built."""
        return [locale for locale in i18n.locales() if locale not in result.fragments]

    def _make(self, row: Widget, stale: list[type[CachedFunction]], lock: BuildLock) -> BuildResult | None:
        """Build a widget and push each language as soon as it is kept; None when the lock expired."""
        result = BuildResult()
        for locale in self._locales(row):
            # What the cached functions hold is the same in all languages: it is computed again once.
            one = self._fragments.make(row, locale, () if result.fragments else stale)
            if not self._fragments.keep(row, one, locale, lock):
                return None
            result.fragments[locale] = one
            self._push(result, locale, row.audience)
        return result

    def _settle(self, result: BuildResult, touched: float) -> float | None:
        """Note in Redis what follows from a build; return what `build` does."""
        one = result.fragments[i18n.DEFAULT]
        failed = bool(one.failures)
        self.counts["failed"] += failed
        if self._due.finish(one.widget, one.due, failed=failed, touched=touched) or not failed:
            return None
        return max(0.0, one.due - time.time())

    def _is_quick(self, plugin: str) -> bool:
        widget_type = self._fragments.registry.get(plugin)
        return widget_type is not None and widget_type.is_quick

    def _functions(self, row: Widget, stale: Iterable[int]) -> list[type[CachedFunction]]:
        found = self._fragments.registry.get(row.plugin)
        if found is None:
            return []
        wanted = set(stale)
        return [one for number, one in enumerate(found.functions) if number in wanted or ALL in wanted]

    def _tell_others(self, result: BuildResult, audience: Visibility) -> None:
        """Announce the new version to viewers whose language was not built."""
        if not result.changed:
            return
        one = result.fragments[i18n.DEFAULT]
        for locale in self._others(result):
            self._fragments.cache.delete(key_of("p", one.widget, locale))
            self._stream.changed(one.hub, audience, locale, one.widget, one.version)

    def _push(self, result: BuildResult, locale: str, audience: Visibility) -> None:
        """Push a fragment unless it is what was pushed last.

        What was pushed last is remembered apart from the fragment, since the web app may have built that on a miss,
        and nobody was told.
        """
        one = result.fragments[locale]
        key, mark = key_of("p", one.widget, locale), f"{one.version}-{one.digest}-{one.state}".encode()
        if self._fragments.cache.get(key) == mark:
            return
        if not self._is_still_for(audience, one.widget):
            return  # the change ended the streams: whoever may see it still fetches it again
        result.changed = True
        if self._stream.publish(hub_channel(one.hub, audience, locale), "widget", one.public()) is not None:
            self.counts["pushed"] += 1
            self._fragments.cache.set(key, mark, 86400)

    def _is_still_for(self, audience: Visibility, widget_id: int) -> bool:
        """Return whether a widget has the audience that it was built for: the build may have taken seconds."""
        with self._database.session() as session:
            row = session.get(Widget, widget_id, options=[joinedload(Widget.hub)])
            return row is not None and row.hub.deleted_on is None and row.audience == audience
