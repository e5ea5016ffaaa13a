"""A fragment: the rendered content of one widget with its metadata, as it is stored in the cache."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, get_args

from markupsafe import escape

from hubs.cache import key_of
from hubs.models import Widget, now
from hubs.widgets.view import environment

log = logging.getLogger(__name__)

#: Largest cache entry in bytes whose parsed form is kept in memory, and number of such entries.
REMEMBERED = 32_768, 512

#: How a build ends.
Outcome = Literal["built", "waiting", "needs-setup", "failed", "late"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A widget's content with its metadata; an empty ``html`` hides the widget.

    ``state`` is ``live``, ``stale`` (the last good content; the latest build failed), ``failed`` or ``needs-setup``;
    ``error`` is shown to editors of the widget. Times are ISO 8601 in UTC.
    """

    widget: int
    hub: int
    version: int
    html: str
    digest: str
    built_at: str
    state: str = "live"
    error: str = ""
    #: Builds that failed in a row since the last good one.
    failures: int = 0
    #: When it should be built again, as a Unix timestamp; 0 if only messages and changes make it outdated.
    due: float = 0.0

    @property
    def refreshing(self) -> bool:
        """Whether the content has expired and newer content is being built, while viewers keep this."""
        return self.state == "live" and 0 < self.due < time.time()

    @property
    def built_minute(self) -> str:
        """The time of the build as shown without JavaScript: ``2026-11-24 10:00``."""
        return self.built_at[:16].replace("T", " ")

    @property
    def unsaid(self) -> str:
        """The error to show editors beside the content; empty if the content says it already."""
        return "" if str(escape(self.error)) in self.html else self.error

    def pack(self) -> bytes:
        """Return the cache entry of this fragment."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    def public(self) -> dict[str, Any]:
        """Return the fields that every viewer gets, in stream events and in a widget's JSON."""
        names = ("widget", "hub", "version", "built_at", "state", "html", "digest")
        return {name: getattr(self, name) for name in names}


def unpack(entry: bytes | None) -> Fragment | None:
    """Parse a cache entry; None if it is missing or damaged."""
    if entry is None:
        return None
    return _remembered(entry) if len(entry) <= REMEMBERED[0] else _read(entry)


def _read(entry: bytes) -> Fragment | None:
    try:
        fragment = Fragment(**json.loads(entry))
        # A damaged entry may be valid JSON all the same.
        if not isinstance(fragment.html, str) or not isinstance(fragment.version, int):
            raise TypeError("fields have the wrong type")
        datetime.fromisoformat(fragment.built_at)
        float(fragment.due)
    except (ValueError, TypeError, RecursionError):
        log.warning("a cached fragment is damaged and is built again: %.80r", entry)
        return None
    return fragment


# Pages read the same few entries again and again; parsing is most of what a cached fragment costs.
_remembered = lru_cache(REMEMBERED[1])(_read)


def push_mark(widget_id: int, locale: str) -> str:
    """Return the cache key of the mark of what was pushed last; without the mark the next build is pushed anyway."""
    return key_of("p", widget_id, locale)


def digest_of(html: str, state: str) -> str:
    """Return a short hash of content and state."""
    return hashlib.sha256(f"{state}\n{html}".encode()).hexdigest()[:16]


def from_html(row: Widget, html: str, state: str = "live") -> Fragment:
    """Return a fragment of HTML that has just been built."""
    digest = digest_of(html, state)
    built_at = now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Fragment(row.id, row.hub_id, row.version, html, digest, built_at, state)


def error_fragment(row: Widget, title: str, state: str, text: str) -> Fragment:
    """Return a fragment that shows a problem in place of the widget's content."""
    values: Mapping[str, Any] = {"instance": row, "title": title, "problem": text}
    return replace(from_html(row, environment(None).get_template("failed.html").render(values), state), error=text)
