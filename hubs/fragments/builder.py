"""Builds one widget's fragment and pushes it to viewers; used by the daemon's threads and by Celery workers."""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from hubs import i18n, logs
from hubs.events.log import EventLog
from hubs.events.message import hub_channel
from hubs.fragments import widget_row
from hubs.fragments.build_lock import BuildLock
from hubs.fragments.fragment import push_mark
from hubs.fragments.schedule import BuildSchedule
from hubs.fragments.store import Fragment, FragmentStore
from hubs.models import Database, Hub, Page, Visibility, Widget
from hubs.models.visibility import narrowest
from hubs.widgets.caching import CachedFunction

log = logging.getLogger(__name__)

#: In place of function numbers: all cached functions of a widget.
ALL = -1
#: Seconds until the next try while another process builds the widget: its build time so far, within these bounds. A
#: process that stood still has a long build time and may end at once.
BUSY = (0.2, 1.0)
#: Seconds until the next try after the cache did not confirm that it replaced the old content: doubled each time,
#: within these bounds, so that a long outage of the cache does not keep all touched widgets building.
UNCONFIRMED = (1.0, 10.0)
#: Size of the memories of which widgets request other services, and of which nobody has open.
REMEMBERED = 100_000


@dataclass
class BuildResult:
    """The fragments of one build by language, whether any of them changed, and whether the cache holds them."""

    fragments: dict[str, Fragment] = field(default_factory=dict)
    changed: bool = False
    #: Whether the cache confirmed that it holds nothing older.
    confirmed: bool = True


class Builder:
    """Builds widgets, pushes those that changed, and schedules their next builds in Redis."""

    def __init__(
        self, database: Database, fragments: FragmentStore, stream: EventLog, due: BuildSchedule, budget: float
    ) -> None:
        self._database, self._fragments, self._stream, self._due = database, fragments, stream, due
        self._budget = budget
        self._quick: dict[int, bool] = {}
        #: The hubs of widgets that nobody had open when they were last built.
        self._unseen: dict[int, int] = {}
        #: How often in a row the cache did not confirm a widget's new content.
        self._unconfirmed: Counter[int] = Counter()
        #: Events since the start: built, pushed, failed, busy, overtaken, unconfirmed.
        self.counts: Counter[str] = Counter()

    def is_quick(self, widget_id: int) -> bool:
        """Return whether the widget is built without requests to other services; also true for a deleted widget.

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

        Return in how many seconds the caller must retry because Redis could not store that; None for never.
        """
        touched = self._due.touched(widget_id)  # before any read: what is touched later may be missing in this build
        with self._database.session() as session:
            row = widget_row.read(session, widget_id)
            if row is None:
                self._due.forget(widget_id)
                return None
            lock = self._fragments.lock(row)
            if lock is None:  # come back later: the running build may have read the rows before this change
                self.counts["busy"] += 1
                return min(max(BUSY[0], self._fragments.building_for(row) or 0.0), BUSY[1])
            try:
                result = self._make(session, row, self._functions(row, stale), lock)
                if result is not None:
                    result.confirmed &= self._fragments.forget(row, self._others(result))
                    self._tell_others(result, row.audience)
            finally:
                lock.release()
        if result is None:  # the lock expired and another builder took over; its result is newer
            self.counts["overtaken"] += 1
            return None
        self.counts["built"] += 1
        return self._settle(result, touched)

    def give_up(self, widget_id: int, error: Exception | None = None) -> float | None:
        """Show viewers that a build timed out or failed with ``error``; return what `build` returns."""
        with self._database.session() as session:
            row = widget_row.read(session, widget_id)
            if row is None:
                return None
            timeout, result = (
                TimeoutError(f"no content within {self._budget:g} s; it is tried again later"),
                BuildResult(),
            )
            for locale in self._locales(row):
                result.fragments[locale] = self._fragments.give_up(row, error or timeout, locale)
                self._push(session, result, locale, row.audience)
            self._tell_others(result, row.audience)
        return self._settle(result, self._due.touched(widget_id))

    def unseen(self, widget_id: int) -> int | None:
        """Return the hub of a widget that nobody had open when it was last built; None if somebody had."""
        return self._unseen.get(widget_id)

    def _locales(self, row: Widget) -> list[str]:
        """Return the languages to build: the default one first, then those of current viewers."""
        watched = self._stream.watched(row.hub_id)
        self._unseen.pop(row.id, None)
        if not watched:
            if len(self._unseen) >= REMEMBERED:
                self._unseen.clear()
            self._unseen[row.id] = row.hub_id
        return [locale for locale in i18n.locales() if locale == i18n.DEFAULT or locale in watched]

    def _others(self, result: BuildResult) -> list[str]:
        """Return the languages in which a widget was not built."""
        return [locale for locale in i18n.locales() if locale not in result.fragments]

    def _make(
        self, session: Session, row: Widget, stale: list[type[CachedFunction]], lock: BuildLock
    ) -> BuildResult | None:
        """Build a widget and push each language as soon as it is stored; None if the lock expired."""
        result = BuildResult()
        for locale in self._locales(row):
            if not self._is_quick(row.plugin):
                session.commit()  # returns the connection to the pool: a widget that hangs must not keep it
            # Cached functions return the same data for all languages: compute them once.
            fragment = self._fragments.make(row, locale, () if result.fragments else stale)
            if not lock.is_held():  # a late build must not overwrite a newer one
                return None
            result.confirmed &= self._fragments.keep(row, fragment, locale)
            result.fragments[locale] = fragment
            logs.trace(log, "%s is built in %s: %s", row.plugin, locale, fragment.state)
            self._push(session, result, locale, row.audience)
        return result

    def _settle(self, result: BuildResult, touched: float) -> float | None:
        """Schedule the next build; return what `build` returns."""
        fragment = result.fragments[i18n.DEFAULT]
        if not result.confirmed:
            return self._retry_unconfirmed(fragment.widget)
        self._unconfirmed.pop(fragment.widget, None)
        failed = bool(fragment.failures)
        self.counts["failed"] += failed
        if self._due.finish(fragment.widget, fragment.due, failed=failed, touched=touched) or not failed:
            return None
        return max(0.0, fragment.due - time.time())

    def _retry_unconfirmed(self, widget_id: int) -> float | None:
        """Schedule another build: once the cache works again it would show the old content, maybe for hours."""
        self.counts["unconfirmed"] += 1
        self._unconfirmed[widget_id] += 1
        wait = min(UNCONFIRMED[0] * 2.0 ** (self._unconfirmed[widget_id] - 1), UNCONFIRMED[1])
        return None if self._due.reschedule(widget_id, time.time() + wait) else wait

    def _is_quick(self, plugin: str) -> bool:
        widget_type = self._fragments.registry.get(plugin)
        return widget_type is not None and widget_type.is_quick

    def _functions(self, row: Widget, stale: Iterable[int]) -> list[type[CachedFunction]]:
        widget_type = self._fragments.registry.get(row.plugin)
        if widget_type is None:
            return []
        numbers = set(stale)
        return [
            function for number, function in enumerate(widget_type.functions) if number in numbers or ALL in numbers
        ]

    def _tell_others(self, result: BuildResult, audience: Visibility) -> None:
        """Announce the new version to viewers whose language was not built."""
        if not result.changed:
            return
        fragment, locales = result.fragments[i18n.DEFAULT], self._others(result)
        self._fragments.cache.delete(*(push_mark(fragment.widget, locale) for locale in locales))
        self._stream.changed(fragment.hub, audience, locales, fragment.widget, fragment.version)

    def _push(self, session: Session, result: BuildResult, locale: str, audience: Visibility) -> None:
        """Push a fragment unless it is what was pushed last.

        The mark of the last push is stored apart from the fragment: the web app may have built that on a cache miss,
        without pushing it.
        """
        fragment = result.fragments[locale]
        key = push_mark(fragment.widget, locale)
        mark = f"{fragment.version}-{fragment.digest}-{fragment.state}".encode()
        if self._fragments.cache.get(key) == mark:
            return
        if not _is_still_for(session, audience, fragment.widget):
            return  # the change of access has ended the streams; those who still have access fetch it again
        result.changed = True
        # The mark follows the event: if publishing fails, the next build pushes again.
        if self._stream.publish(hub_channel(fragment.hub, audience, locale), "widget", fragment.public()) is not None:
            self.counts["pushed"] += 1
            self._fragments.cache.set(key, mark, 86400)


def _is_still_for(session: Session, audience: Visibility, widget_id: int) -> bool:
    """Return whether a widget still has the audience that it was built for: the build may have taken seconds.

    Columns, since rows that the session has read would be returned as they were.
    """
    row = session.execute(_levels(), {"widget_id": widget_id}).one_or_none()
    if row is None:
        return False
    *levels, deleted_on = row
    return deleted_on is None and narrowest(*levels) == audience


@cache
def _levels() -> Select[Visibility, Visibility, Visibility, datetime | None]:
    query = select(Widget.visibility, Page.visibility, Hub.visibility, Hub.deleted_on).select_from(Widget)
    return query.join(Widget.hub).outerjoin(Widget.page).where(Widget.id == bindparam("widget_id"))
