"""A fragment: the content of one widget with what is known about it, as the cache keeps it."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from markupsafe import escape

from hubs.models import Widget, now
from hubs.widgets.view import environment

log = logging.getLogger(__name__)

#: Bytes up to which an entry of the cache that was read once is remembered as it was read, and entries remembered.
REMEMBERED = 32_768, 512


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
    #: From when on it should be built again, in seconds since 1970; 0 for when something happens.
    due: float = 0.0

    @property
    def refreshing(self) -> bool:
        """Whether newer content is being made just now, while readers keep this: its time has come."""
        return self.state == "live" and 0 < self.due < time.time()

    @property
    def built_minute(self) -> str:
        """When it was built, as people without JavaScript read it: ``2026-11-24 10:00``."""
        return self.built_at[:16].replace("T", " ")

    @property
    def unsaid(self) -> str:
        """The error where the content does not say it anyway: what owners are told beside the content."""
        return "" if str(escape(self.error)) in self.html else self.error

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
    return _remembered(entry) if len(entry) <= REMEMBERED[0] else _read(entry)


def _read(entry: bytes) -> Fragment | None:
    try:
        found = Fragment(**json.loads(entry))
        # A damaged entry may be valid JSON all the same.
        if not isinstance(found.html, str) or not isinstance(found.version, int):
            raise TypeError("fields have the wrong type")
        datetime.fromisoformat(found.built_at)
        float(found.due)
    except (ValueError, TypeError, RecursionError):
        log.warning("a cached fragment is damaged and is built again: %.80r", entry)
        return None
    return found


_remembered = lru_cache(REMEMBERED[1])(_read)


def digest_of(html: str, state: str) -> str:
    """Return what differs where the content or the state of two fragments differs."""
    return hashlib.sha256(f"{state}\n{html}".encode()).hexdigest()[:16]


def from_html(row: Widget, html: str, state: str = "live") -> Fragment:
    """Return a fragment of a widget that was built just now."""
    digest = digest_of(html, state)
    built_at = now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Fragment(row.id, row.hub_id, row.version, html, digest, built_at, state)


def error_fragment(row: Widget, title: str, state: str, text: str) -> Fragment:
    """Return a fragment that says in the widget's place what is wrong."""
    values: Mapping[str, Any] = {"instance": row, "title": title, "problem": text}
    return replace(from_html(row, environment(None).get_template("failed.html").render(values), state), error=text)
