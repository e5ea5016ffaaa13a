"""Fragments: the HTML of one widget for everybody who may see it, built once and cached.

The key holds the widget's version and the version of its code, so that nothing built under old settings or by old
code is ever served. When building fails, the last good content stays and turns ``stale``.

A fragment stays in the cache for longer than its content is good: it carries the moment from which it should be built
again (`Fragment.due`), and readers keep the old content until that is done.
"""

import hmac
import json
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from hubs import i18n
from hubs.cache import Cache, NullCache, key_of
from hubs.clients.all import Clients
from hubs.errors import NeedsSetup, NotFound, UpstreamError
from hubs.fragments import build_lock
from hubs.fragments.fragment import Fragment, error_fragment, from_html, unpack
from hubs.fragments.public import PublicFragmentCache
from hubs.i18n import _
from hubs.models import Widget
from hubs.widgets.caching import BuildContext, CachedFunction, attach_context
from hubs.widgets.registry import Registry, WidgetType
from hubs.widgets.view import environment

log = logging.getLogger(__name__)
__all__ = ["DEFAULT_LOCALE", "Fragment", "FragmentStore"]

DEFAULT_LOCALE = i18n.DEFAULT
#: Largest fragment in characters; memcached takes a million bytes.
LIMIT = 300_000
#: Seconds until the next try after a failure: any moment up to the first figure, doubled with each failure in a
#: row up to the second. All that failed together then come back apart (full jitter).
RETRY = (2.0, 3600.0)
#: Seconds for which a widget that never had content is shown as failed, if nobody tries again meanwhile.
FAILED = 600
#: Content that grows old by itself is due this much earlier or later, so that not all of it is due at once.
SPREAD = 0.1


class FragmentStore:
    """Reads and builds fragments; one builder at a time per widget over all processes that share the cache."""

    def __init__(
        self,
        registry: Registry,
        cache: Cache,
        key: bytes,
        ttl: int,
        build_timeout: int = 30,
        clients: Clients | None = None,
    ) -> None:
        self.registry, self.cache, self._clients = registry, cache, clients
        self._key, self._ttl, self._timeout = key, ttl, build_timeout
        self.public = PublicFragmentCache(cache)
        #: Told by `read_many` which widgets should be built again; readers' processes set it.
        self.on_due: Callable[[list[int]], object] | None = None

    def key(self, row: Widget, locale: str = DEFAULT_LOCALE) -> str:
        """Spell the cache key of a widget's fragment: what some may see is built again before others may see it."""
        found = self.registry.get(row.plugin)
        return key_of("f", row.identity, row.version, row.audience.value, found.code if found else "gone", locale)

    def read_many(self, rows: Iterable[Widget], locale: str = DEFAULT_LOCALE) -> dict[int, Fragment]:
        """Return the cached fragments of ``rows`` by the widgets' ids, in one round trip."""
        keys = self.keys(rows, locale)
        return self.decode_entries(keys, self.cache.get_many(keys)) if keys else {}

    def keys(self, rows: Iterable[Widget], locale: str = DEFAULT_LOCALE) -> dict[str, int]:
        """Return the widgets' ids by the keys of their fragments."""
        return {self.key(row, locale): row.id for row in rows}

    def decode_entries(self, keys: Mapping[str, int], found_entries: Mapping[str, bytes]) -> dict[int, Fragment]:
        """Return fragments by the widgets' ids, given what the cache has of ``keys``; see to those that are due."""
        entries = ((number, unpack(found_entries.get(key))) for key, number in keys.items())
        found = {widget: one for widget, one in entries if one is not None and one.widget == widget}
        if self.on_due is not None:
            moment = time.time()
            due = [widget for widget, one in found.items() if 0 < one.due < moment]
            if due:
                self.on_due(due)
        return found

    def read(self, row: Widget, locale: str = DEFAULT_LOCALE) -> Fragment | None:
        """Return one cached fragment."""
        return self.read_many([row], locale).get(row.id)

    def forget(self, row: Widget, locales: Iterable[str]) -> None:
        """Remove a widget's fragments from the cache."""
        for locale in locales:
            self.cache.delete(self.key(row, locale))
        self.public.forget([row.id])

    def fingerprint(self, value: object) -> str:
        """Return a keyed fingerprint (HMAC) of a JSON-serialisable value."""
        text = json.dumps(value, sort_keys=True, default=str)
        return hmac.new(self._key, text.encode("utf-8", "replace"), "sha256").hexdigest()

    def lock(self, row: Widget) -> build_lock.BuildLock | None:
        """Acquire the build lock of a widget; None if another builder has it."""
        return build_lock.acquire(self.cache, key_of("b", row.id), self._timeout)

    def building_for(self, row: Widget) -> float | None:
        """Return for how many seconds a widget has been building; None if it is not."""
        return build_lock.age(self.cache, key_of("b", row.id))

    def build(
        self,
        row: Widget,
        locale: str = DEFAULT_LOCALE,
        stale: Iterable[type[CachedFunction]] = (),
        lock: build_lock.BuildLock | None = None,
    ) -> Fragment:
        """Build a widget's fragment and store it; never raises for what the widget does.

        Without the ``lock`` it was built under, it is stored whatever others do meanwhile.
        """
        made = self.make(row, locale, stale)
        self.keep(row, made, locale, lock)
        return made

    def make(self, row: Widget, locale: str = DEFAULT_LOCALE, stale: Iterable[type[CachedFunction]] = ()) -> Fragment:
        """Build a widget's fragment; never raises for what the widget does.

        ``stale`` are the cached functions whose values must be computed again. The row must be attached to a session.
        """
        with i18n.use(locale):
            return self._make(row, locale, stale)

    def keep(
        self, row: Widget, made: Fragment, locale: str = DEFAULT_LOCALE, lock: build_lock.BuildLock | None = None
    ) -> bool:
        """Store a fragment, unless its ``lock`` has expired: a late build overwrites nothing."""
        if lock is not None and not lock.is_held():
            return False
        lifetime = min(FAILED, self._ttl) if made.state == "failed" else self._ttl
        self.cache.set(self.key(row, locale), made.pack(), lifetime)
        self.public.forget([row.id])
        return True

    def give_up(self, row: Widget, error: Exception, locale: str = DEFAULT_LOCALE) -> Fragment:
        """Store that a build failed, for a builder that does not come back; return what readers see meanwhile."""
        with i18n.use(locale):
            made = self._last_good(row, locale, error)
        self.keep(row, made, locale)
        return made

    def _make(self, row: Widget, locale: str, stale: Iterable[type[CachedFunction]]) -> Fragment:
        try:
            found = self._registered(row)
            made = from_html(row, self._render(found, row, locale, stale))
        except NeedsSetup as error:
            made = error_fragment(row, self._title(row), "needs-setup", str(error))
            return replace(made, error=error.detail or made.error)
        except UpstreamError as error:  # is in the log already, where it happened
            log.info("widget %s (%s) of hub %s waits: %s", row.id, row.plugin, row.hub_id, error)
            return self._last_good(row, locale, error)
        except Exception as error:  # a widget may fail in any way and must not break anything around it
            log.exception("widget %s (%s) of hub %s cannot be built", row.id, row.plugin, row.hub_id)
            return self._last_good(row, locale, error)
        return replace(made, due=_refresh(found.cls.lifetime))

    def page(self, row: Widget, number: int, locale: str = DEFAULT_LOCALE) -> str:
        """Return a page of the whole list that a widget cuts, made now from its data.

        :raises NotFound: when the widget cuts no list, or its list has no such page.
        """
        try:
            found = self._registered(row)
            if not found.view.paged:
                raise NotFound(_("This widget already shows everything; there is no longer list."))
            with i18n.use(locale):
                return self._render(found, row, locale, (), page=number)
        except NeedsSetup as error:
            raise NotFound(str(error)) from None

    def calendar(self, row: Widget) -> bytes:
        """Return what a widget shows as an iCalendar file.

        :raises NotFound: when the widget shows no meetings, or lacks a setting.
        """
        try:
            found = self._registered(row)
            self._prepare(found, row)
            made = found.view().calendar(row)
        except NeedsSetup as error:
            raise NotFound(str(error)) from None
        if made is None:
            raise NotFound(_("This widget shows no meetings."))
        return made

    def preview(self, row: Widget, locale: str = DEFAULT_LOCALE) -> Fragment:
        """Build a widget that is not on any page; nothing is stored, and nothing is raised for what the widget does."""
        try:
            found = self._registered(row)
            with i18n.use(locale):
                return from_html(row, self._render(found, row, locale, (), store=NullCache()))
        except NeedsSetup as error:
            return error_fragment(row, self._title(row), "needs-setup", str(error))
        except Exception as error:  # a widget may fail in any way; the form around the preview must stay
            log.info("the preview of %s cannot be built", row.plugin, exc_info=True)
            return error_fragment(row, self._title(row), "failed", f"{type(error).__name__}: {error}"[:500])

    def _registered(self, row: Widget) -> WidgetType:
        found = self.registry.get(row.plugin)
        if found is None:
            broken = (f"{origin} cannot be used: {reason}" for origin, reason in self.registry.broken.items())
            text = _("The widget “%(name)s” is not installed here. Install it, or remove it from the page.")
            raise NeedsSetup(text % {"name": row.plugin}, " ".join(broken)[:1000])
        return found

    def _title(self, row: Widget) -> str:
        return self.registry.title(row, _)

    def _prepare(self, found: WidgetType, row: Widget, store: Cache | None = None) -> None:
        found.bind(row)
        ttl = min(found.cls.lifetime or self._ttl, self._ttl)
        attach_context(row, BuildContext(store or self.cache, self._key, ttl, found.code, self._clients))
        _ = row.config  # what cannot be read must be said before anything is asked of others

    def _render(
        self,
        found: WidgetType,
        row: Widget,
        locale: str,
        stale: Iterable[type[CachedFunction]],
        page: int = 0,
        store: Cache | None = None,
    ) -> str:
        self._prepare(found, row, store)
        for function in stale:
            function(row).rebuild()
        html = found.view().render(row, environment(found.folder), page, title=self._title(row), locale=locale)
        if len(html) > LIMIT:
            raise ValueError(f"the content has {len(html)} characters; at most {LIMIT} are possible")
        return html

    def _last_good(self, row: Widget, locale: str, error: Exception) -> Fragment:
        told = isinstance(error, UpstreamError)  # its message is a sentence for people
        reason = (str(error) if told else f"{type(error).__name__}: {error}")[:500]
        before = self.read_many([row], locale).get(row.id)
        failures = before.failures + 1 if before else 1
        known: dict[str, Any] = {"error": reason, "failures": failures, "due": _retry(failures, error)}
        if before is not None and before.state in ("live", "stale"):
            return replace(before, state="stale", **known)
        text = _("This widget could not be built. It will be retried automatically; nothing else is affected.")
        if told:
            text = _("{problem} This widget fills in by itself as soon as that works again.").format(problem=error)
        return replace(error_fragment(row, self._title(row), "failed", text), **known)


def _refresh(lifetime: int | None) -> float:
    """Return when content that grows old by itself should be built again; 0 for never."""
    return time.time() + lifetime * random.uniform(1 - SPREAD, 1 + SPREAD) if lifetime else 0.0


def _retry(failures: int, error: Exception) -> float:
    """Return when to try again: at random up to a growing bound, and not before a service may be asked again."""
    rest = (error.retry_after or 0.0) if isinstance(error, UpstreamError) else 0.0
    return time.time() + rest + random.uniform(0.0, min(RETRY[0] * 2.0 ** min(failures, 30), RETRY[1]))
