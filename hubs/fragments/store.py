"""Fragments: the HTML of one widget for everybody who may see it, built once and cached.

The key holds the widget's version and the version of its code, so nothing built under old settings or by old
code is ever served. When a build fails, the last good content stays and turns ``stale``.

A fragment stays in the cache for longer than its content is fresh: it carries the time from which it should be built
again (`Fragment.due`), and viewers keep the old content until that is done.
"""

import hmac
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from hubs import i18n
from hubs.cache import Cache, NullCache, key_of, put
from hubs.clients.all import Clients
from hubs.clients.http.records import unread
from hubs.errors import NeedsSetup, NotFound, UpstreamError
from hubs.fragments import build_lock
from hubs.fragments.fragment import Fragment, Outcome, error_fragment, from_html, unpack
from hubs.fragments.public import PublicFragmentCache
from hubs.i18n import _
from hubs.models import Widget
from hubs.signed_cache import SignedCache
from hubs.widgets.caching import BuildContext, CachedFunction, attach_context, services_of
from hubs.widgets.registry import Registry, WidgetType
from hubs.widgets.view import environment

log = logging.getLogger(__name__)
__all__ = ["DEFAULT_LOCALE", "Fragment", "FragmentStore"]

DEFAULT_LOCALE = i18n.DEFAULT
#: Largest fragment in characters; memcached takes a million bytes.
LIMIT = 300_000
#: Seconds until the next try after a failure: a random time up to the first figure times two for each failure in a
#: row, at most the second. Full jitter keeps widgets that failed together from being retried together.
RETRY = (2.0, 3600.0)
#: Seconds for which a widget that never had content is shown as failed, unless a build succeeds before.
FAILED = 600
#: Fraction by which the refresh of time-dependent content is moved at random, so that not all of it is due at once.
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
        self.registry, self.cache, self.clients = registry, cache, clients
        self._key, self._ttl, self._timeout = key, ttl, build_timeout
        #: For entries whose content reaches viewers. Locks and marks in ``cache`` are not signed: they only cost time.
        self.signed = SignedCache(cache, key)
        self.public = PublicFragmentCache(cache, key)
        #: Called by `read_many` with the widgets whose content has expired; set in processes that serve requests.
        self.on_due: Callable[[list[int]], object] | None = None
        #: Builds since the start by type of widget and outcome.
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        #: Cached fragments that were found and missed by `decode_entries`.
        self.hits = self.misses = 0

    def key(self, row: Widget, locale: str = DEFAULT_LOCALE) -> str:
        """Return the cache key of a fragment. It names the audience, so a wider one never gets HTML built for fewer."""
        widget_type = self.registry.get(row.plugin)
        code = widget_type.code if widget_type else "gone"
        return key_of("f", row.identity, row.version, row.audience.value, code, locale)

    def read_many(self, rows: Iterable[Widget], locale: str = DEFAULT_LOCALE) -> dict[int, Fragment]:
        """Return the cached fragments of ``rows`` by widget id, in one round trip."""
        keys = self.keys(rows, locale)
        return self.decode_entries(keys, self.cache.get_many(keys)) if keys else {}

    def keys(self, rows: Iterable[Widget], locale: str = DEFAULT_LOCALE) -> dict[str, int]:
        """Return widget ids by the keys of their fragments."""
        return {self.key(row, locale): row.id for row in rows}

    def decode_entries(self, keys: Mapping[str, int], cached: Mapping[str, bytes]) -> dict[int, Fragment]:
        """Return fragments by widget id, given the cache entries of ``keys``; request builds of those that are due."""
        entries = ((number, unpack(self.signed.verify(key, cached.get(key)))) for key, number in keys.items())
        fragments = {
            number: fragment for number, fragment in entries if fragment is not None and fragment.widget == number
        }
        self.hits += len(fragments)
        self.misses += len(keys) - len(fragments)
        if self.on_due is not None:
            now = time.time()
            due = [number for number, fragment in fragments.items() if 0 < fragment.due < now]
            if due:
                self.on_due(due)
        return fragments

    def read(self, row: Widget, locale: str = DEFAULT_LOCALE) -> Fragment | None:
        """Return one cached fragment."""
        return self.read_many([row], locale).get(row.id)

    def forget(self, row: Widget, locales: Iterable[str]) -> bool:
        """Remove a widget's fragments from the cache; return whether they are certainly gone."""
        gone = self.cache.delete(*(self.key(row, locale) for locale in locales))
        self.public.forget([row.id])
        return self.public.stamps.invalidate([("content", row.hub_id)]) and gone

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
        """Build a widget's fragment and store it. Errors of the widget are shown in the fragment, never raised.

        With a ``lock``, it is stored only while that is held.
        """
        fragment = self.make(row, locale, stale)
        if lock is None or lock.is_held():
            self.keep(row, fragment, locale)
        return fragment

    def make(self, row: Widget, locale: str = DEFAULT_LOCALE, stale: Iterable[type[CachedFunction]] = ()) -> Fragment:
        """Build a widget's fragment. Errors of the widget are shown in it, never raised.

        ``stale`` are the cached functions whose values must be computed again. The row must be attached to a session.
        """
        with i18n.use(locale):
            return self._make(row, locale, stale)

    def keep(self, row: Widget, fragment: Fragment, locale: str = DEFAULT_LOCALE) -> bool:
        """Store a fragment; return False if the cache may still hold older content, of it or of cached functions."""
        lifetime = min(FAILED, self._ttl) if fragment.state == "failed" else self._ttl
        replaced = put(self.signed, self.key(row, locale), fragment.pack(), lifetime)
        # nginx serves the public entry without looking at this one, so it must go whenever the content changes.
        self.public.forget([row.id])
        is_new = self.public.stamps.invalidate([("content", row.hub_id)])  # pages read the hub's fragments again
        return replaced and is_new and not services_of(row).has_outdated

    def give_up(self, row: Widget, error: Exception, locale: str = DEFAULT_LOCALE) -> Fragment:
        """Store that a build failed or timed out; return the fragment that viewers see until the next try."""
        self._count(row, "late")
        with i18n.use(locale):
            fragment = self._last_good(row, locale, error)
        self.keep(row, fragment, locale)
        return fragment

    def _make(self, row: Widget, locale: str, stale: Iterable[type[CachedFunction]]) -> Fragment:
        try:
            widget_type = self._registered(row)
            fragment = from_html(row, self._render(widget_type, row, locale, stale))
        except NeedsSetup as error:
            self._count(row, "needs-setup")
            fragment = error_fragment(row, self._title(row), "needs-setup", str(error))
            return replace(fragment, error=error.detail or fragment.error)
        except UpstreamError as error:  # the client has logged the cause
            self._count(row, "waiting")
            log.debug("widget %s (%s) of hub %s waits: %s", row.id, row.plugin, row.hub_id, error)
            return self._last_good(row, locale, error)
        except Exception as error:  # widgets may raise anything; the page around them must stay intact
            self._count(row, "failed")
            log.exception("widget %s (%s) of hub %s cannot be built", row.id, row.plugin, row.hub_id)
            return self._last_good(row, locale, error)
        self._count(row, "built")
        skipped = [skip for skips in services_of(row).skipped.values() for skip in skips]
        return replace(fragment, error=unread(skipped), due=_refresh(widget_type.cls.lifetime))

    def _count(self, row: Widget, outcome: Outcome) -> None:
        # The name of a type that is not installed is whatever somebody once wrote into a document.
        self.outcomes[row.plugin if self.registry.get(row.plugin) else "unknown", outcome] += 1

    def page(self, row: Widget, number: int, locale: str = DEFAULT_LOCALE) -> str:
        """Render a page of the full list that a widget shortens.

        :raises NotFound: when the widget does not shorten a list, or its list has no such page.
        """
        try:
            widget_type = self._registered(row)
            if not widget_type.view.paged:
                raise NotFound(_("This widget already shows everything; there is no longer list."))
            with i18n.use(locale):
                return self._render(widget_type, row, locale, (), page=number)
        except NeedsSetup as error:
            raise NotFound(str(error)) from None

    def calendar(self, row: Widget) -> bytes:
        """Return the meetings of a widget as an iCalendar file.

        :raises NotFound: when the widget shows no meetings, or lacks a setting.
        """
        try:
            widget_type = self._registered(row)
            self._prepare(widget_type, row)
            calendar = widget_type.view().calendar(row)
        except NeedsSetup as error:
            raise NotFound(str(error)) from None
        if calendar is None:
            raise NotFound(_("This widget shows no meetings."))
        return calendar

    def peek(self, row: Widget, function: type[CachedFunction]) -> Any:
        """Return the cached value of one of a widget's functions, or None; computes nothing."""
        try:
            self._prepare(self._registered(row), row)
        except NeedsSetup:
            return None
        return function(row).peek()

    def preview(self, row: Widget, locale: str = DEFAULT_LOCALE) -> Fragment:
        """Build a widget that is not on any page. Nothing is stored; errors of the widget are shown, never raised."""
        try:
            widget_type = self._registered(row)
            with i18n.use(locale):
                return from_html(row, self._render(widget_type, row, locale, (), store=NullCache()))
        except NeedsSetup as error:
            return error_fragment(row, self._title(row), "needs-setup", str(error))
        except Exception as error:  # widgets may raise anything; the form around the preview must stay
            log.info("the preview of %s cannot be built", row.plugin, exc_info=True)
            return error_fragment(row, self._title(row), "failed", f"{type(error).__name__}: {error}"[:500])

    def _registered(self, row: Widget) -> WidgetType:
        widget_type = self.registry.get(row.plugin)
        if widget_type is None:
            broken = (f"{origin} cannot be used: {reason}" for origin, reason in self.registry.broken.items())
            text = _("The widget “%(name)s” is not installed here. Install it, or remove it from the page.")
            raise NeedsSetup(text % {"name": row.plugin}, " ".join(broken)[:1000])
        return widget_type

    def _title(self, row: Widget) -> str:
        return self.registry.title(row, _)

    def _prepare(self, widget_type: WidgetType, row: Widget, store: Cache | None = None) -> None:
        widget_type.bind(row)
        ttl = min(widget_type.cls.lifetime or self._ttl, self._ttl)
        attach_context(row, BuildContext(store or self.cache, self._key, ttl, widget_type.code, self.clients))
        _ = row.config  # raises for unreadable settings, before any request to a service

    def _render(
        self,
        widget_type: WidgetType,
        row: Widget,
        locale: str,
        stale: Iterable[type[CachedFunction]],
        page: int = 0,
        store: Cache | None = None,
    ) -> str:
        self._prepare(widget_type, row, store)
        # Before rendering, which reads the cached values: a message has just made these outdated.
        for function in stale:
            function(row).rebuild()
        templates = environment(widget_type.folder)
        html = widget_type.view().render(row, templates, page, title=self._title(row), locale=locale)
        if len(html) > LIMIT:
            raise ValueError(f"the content has {len(html)} characters; at most {LIMIT} are possible")
        return html

    def _last_good(self, row: Widget, locale: str, error: Exception) -> Fragment:
        is_upstream = isinstance(error, UpstreamError)  # its text is written for viewers
        reason = (str(error) if is_upstream else f"{type(error).__name__}: {error}")[:500]
        before = self.read_many([row], locale).get(row.id)
        failures = before.failures + 1 if before else 1
        fields: dict[str, Any] = {"error": reason, "failures": failures, "due": _retry(failures, error)}
        # Old content says more than an error message; its frame says that it is old.
        if before is not None and before.state in ("live", "stale"):
            return replace(before, state="stale", **fields)
        text = _("This widget could not be built. It will be retried automatically; nothing else is affected.")
        if is_upstream:
            text = _("{problem} This widget fills in by itself as soon as that works again.").format(problem=error)
        return replace(error_fragment(row, self._title(row), "failed", text), **fields)


def _refresh(lifetime: int | None) -> float:
    """Return when time-dependent content should be built again; 0 for never."""
    return time.time() + lifetime * random.uniform(1 - SPREAD, 1 + SPREAD) if lifetime else 0.0


def _retry(failures: int, error: Exception) -> float:
    """Return when to try again: exponential back-off with full jitter, after any ``Retry-After`` of the service."""
    rest = (error.retry_after or 0.0) if isinstance(error, UpstreamError) else 0.0
    return time.time() + rest + random.uniform(0.0, min(RETRY[0] * 2.0 ** min(failures, 30), RETRY[1]))
