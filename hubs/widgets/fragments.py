"""Fragments: the HTML of one widget for everybody who may see it, built once and cached.

The key holds the widget's version and the version of its code, so that nothing built under old settings or by old
code is ever served. When building fails, the last good content stays and turns ``stale``.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hubs import i18n
from hubs.cache import Cache, key_of
from hubs.clients.all import Clients
from hubs.errors import NeedsSetup, NotFound
from hubs.i18n import _
from hubs.models import Widget, now
from hubs.widgets.caching import CachedFunction, Services, lend
from hubs.widgets.registry import Registry, WidgetType
from hubs.widgets.view import environment

log = logging.getLogger(__name__)

DEFAULT_LOCALE = "en"
#: Largest fragment in characters; memcached takes a million bytes.
LIMIT = 300_000
#: Seconds between two looks whether another process has finished building.
POLL = 0.05


@dataclass(frozen=True, slots=True)
class Fragment:
    """A widget's content and what is known about it; an empty ``html`` hides the widget.

    ``state`` is ``live``, ``stale`` (the last good content; the newest try failed), ``failed`` or ``needs-setup``;
    ``error`` is for those who may change the widget. Moments are ISO 8601 in UTC.
    """

    widget: int
    hub: int
    version: int
    html: str
    digest: str
    built_at: str
    state: str = "live"
    error: str = ""
    #: Tries that failed in a row since the content was good.
    failures: int = 0

    def pack(self) -> bytes:
        """Return the form in which the cache keeps it."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    def public(self) -> dict[str, Any]:
        """Return what everybody may know, as the stream and the JSON of a widget carry it."""
        names = ("widget", "hub", "version", "built_at", "state", "html", "digest")
        return {name: getattr(self, name) for name in names}


def unpack(entry: bytes | None) -> Fragment | None:
    """Read a fragment from the cache; None for a missing or damaged entry."""
    if entry is None:
        return None
    try:
        found = Fragment(**json.loads(entry))
        # A damaged entry may be valid JSON all the same.
        if not isinstance(found.html, str) or not isinstance(found.version, int):
            raise TypeError("fields have the wrong type")
        datetime.fromisoformat(found.built_at)
    except (ValueError, TypeError, RecursionError):
        log.warning("a cached fragment is damaged and is built anew: %.80r", entry)
        return None
    return found


class Fragments:
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

    def key(self, row: Widget, locale: str = DEFAULT_LOCALE) -> str:
        """Spell the cache key of a widget's fragment."""
        found = self.registry.get(row.plugin)
        return key_of("f", row.id, row.version, found.code if found else "gone", locale)

    def read_many(self, rows: Iterable[Widget], locale: str = DEFAULT_LOCALE) -> dict[int, Fragment]:
        """Return the cached fragments of ``rows`` by the widgets' ids, in one round trip."""
        keys = {self.key(row, locale): row.id for row in rows}
        if not keys:
            return {}
        found = ((keys[key], unpack(entry)) for key, entry in self.cache.get_many(keys).items())
        return {widget: fragment for widget, fragment in found if fragment is not None and fragment.widget == widget}

    def read(self, row: Widget, locale: str = DEFAULT_LOCALE) -> Fragment | None:
        """Return one cached fragment."""
        return self.read_many([row], locale).get(row.id)

    def forget(self, row: Widget, locale: str = DEFAULT_LOCALE) -> None:
        """Remove a widget's fragment from the cache."""
        self.cache.delete(self.key(row, locale))

    def claim(self, row: Widget) -> Callable[[], None] | None:
        """Become the one builder of a widget; return what gives the claim back, or None when there is another."""
        key, owner = key_of("b", row.id), secrets.token_hex(8).encode()
        if self.cache.add(key, owner, self._timeout) is False:
            return None

        def release() -> None:
            if self.cache.get(key) == owner:
                self.cache.delete(key)

        return release

    def read_or_build(self, row: Widget, locale: str = DEFAULT_LOCALE, patience: float = 5.0) -> Fragment:
        """Return the fragment; on a miss build it, or wait up to ``patience`` seconds for who builds it already."""
        end = time.monotonic() + patience
        while (found := self.read(row, locale)) is None:
            release = self.claim(row)
            if release is not None or time.monotonic() > end:
                try:  # whoever had the claim may have finished between our look and our claim
                    return self.read(row, locale) or self.build(row, locale)
                finally:
                    if release is not None:
                        release()
            time.sleep(POLL)
        return found

    def build(self, row: Widget, locale: str = DEFAULT_LOCALE, stale: Iterable[type[CachedFunction]] = ()) -> Fragment:
        """Build a widget's fragment and store it; never raises for what the widget does.

        ``stale`` are the cached functions whose values must be computed anew. The row must be attached to a session.
        """
        try:
            found = self._registered(row)
            html = self._render(found, row, locale, stale)
            made = _fragment(row, html)
            lifetime = min(found.cls.lifetime or self._ttl, self._ttl)
        except NeedsSetup as error:
            made, lifetime = _problem(row, self._title(row), "needs-setup", str(error)), self._ttl
            made = replace(made, error=error.detail or made.error)
        except Exception as error:  # a widget may fail in any way and must not break anything around it
            log.exception("widget %s (%s) of hub %s cannot be built", row.id, row.plugin, row.hub_id)
            made, lifetime = self._last_good(row, locale, error), 600
        self.cache.set(self.key(row, locale), made.pack(), lifetime)
        return made

    def page(self, row: Widget, number: int, locale: str = DEFAULT_LOCALE) -> str:
        """Return a page of the whole list that a widget cuts, made now from its data.

        :raises NotFound: when the widget cuts no list, or its list has no such page.
        """
        try:
            found = self._registered(row)
            if not found.view.paged:
                raise NotFound(_("This widget shows all that it has; there is no longer list."))
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

    def _registered(self, row: Widget) -> WidgetType:
        found = self.registry.get(row.plugin)
        if found is None:
            broken = (f"{origin} cannot be used: {reason}" for origin, reason in self.registry.broken.items())
            text = f"The widget “{row.plugin}” is not installed here. Install it, or remove this box."
            raise NeedsSetup(text, " ".join([text, *broken])[:1000])
        return found

    def _title(self, row: Widget) -> str:
        found = self.registry.get(row.plugin)
        return row.label or (found.label if found else row.plugin)

    def _prepare(self, found: WidgetType, row: Widget) -> None:
        found.bind(row)
        lend(row, Services(self.cache, self._key, self._ttl, found.code, self._clients))
        _ = row.config  # what cannot be read must be said before anything is asked of others

    def _render(
        self, found: WidgetType, row: Widget, locale: str, stale: Iterable[type[CachedFunction]], page: int = 0
    ) -> str:
        self._prepare(found, row)
        for function in stale:
            function(row).rebuild()
        html = found.view().render(row, environment(found.folder), page, title=self._title(row), locale=locale)
        if len(html) > LIMIT:
            raise ValueError(f"the content has {len(html)} characters; at most {LIMIT} are possible")
        return html

    def _last_good(self, row: Widget, locale: str, error: Exception) -> Fragment:
        reason = f"{type(error).__name__}: {error}"[:500]
        before = self.read(row, locale)
        if before is not None and before.state in ("live", "stale"):
            return replace(before, state="stale", error=reason, failures=before.failures + 1)
        text = "This box could not be built just now. It is tried again by itself; nothing else is affected."
        failures = before.failures + 1 if before else 1
        return replace(_problem(row, self._title(row), "failed", text), error=reason, failures=failures)


def digest_of(html: str, state: str) -> str:
    """Return what differs where the content or the state of two fragments differs."""
    return hashlib.sha256(f"{state}\n{html}".encode()).hexdigest()[:16]


def _fragment(row: Widget, html: str, state: str = "live") -> Fragment:
    digest = digest_of(html, state)
    built_at = now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Fragment(row.id, row.hub_id, row.version, html, digest, built_at, state)


def _problem(row: Widget, title: str, state: str, text: str) -> Fragment:
    values: Mapping[str, Any] = {"instance": row, "title": title, "problem": text}
    return replace(_fragment(row, environment(None).get_template("failed.html").render(values), state), error=text)
