"""Feeds: RSS 0.9 to 2.0 and Atom, from any address that a person typed.

Formats: https://www.rssboard.org/rss-specification and https://www.rfc-editor.org/rfc/rfc4287, read by feedparser
(https://feedparser.readthedocs.io/). A feed that brings entities of its own is refused before anything expands them.
"""

import calendar
import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import feedparser
import nh3

from hubs.clients.answer import Answer, link, tidy, unexpected
from hubs.clients.http import HTTP

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
#: Largest feed in bytes, and entries that are read.
LIMIT, ENTRIES = 1_000_000, 200


@dataclass(frozen=True)
class Entry:
    """One entry: plain texts, a safe address or none."""

    title: str
    url: str
    published: datetime | None
    author: str = ""


@dataclass(frozen=True)
class Feed:
    """A feed; entries in the order of their dates where they have some, newest first."""

    title: str
    url: str
    entries: tuple[Entry, ...]


class Feeds:
    """Reads feeds."""

    def __init__(self, http: HTTP) -> None:
        self._http = http

    def read(self, url: str) -> Feed:
        """Return the feed at an address.

        :raises UpstreamForbidden: when the address leads to no public web server.
        :raises UpstreamError: when there is no usable answer.
        """
        answer = self._http.get(url, accept=ACCEPT, limit=LIMIT)
        if b"<!entity" in answer.body.replace(b"\0", b"").lower():
            raise unexpected(answer.name)
        found = _parsed(answer)
        entries = [_entry(one, answer.url) for one in found.get("entries", [])[:ENTRIES]]
        if all(one.published for one in entries):
            entries.sort(key=_when, reverse=True)
        head = found.get("feed", {})
        return Feed(plain(head.get("title")), link(urljoin(answer.url, str(head.get("link", "")))), tuple(entries))


def plain(text: Any) -> str:
    """Return the text of what may be HTML, in one line."""
    return tidy(html.unescape(nh3.clean(str(text or "")[:5000], tags=set())), 300)


def _parsed(answer: Answer) -> Any:
    headers = {"content-type": answer.headers.get("content-type", ""), "content-location": answer.url}
    try:
        # A stream, never the text itself: feedparser would open a text that looks like a file's name.
        found = feedparser.parse(
            BytesIO(answer.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError):
        raise unexpected(answer.name) from None  # what feedparser raises on input that nobody thought of
    if not found.get("version") and not found.get("entries"):
        raise unexpected(answer.name)
    return found


def _entry(one: Mapping[str, Any], base: str) -> Entry:
    url = link(urljoin(base, str(one.get("link", "")))) if one.get("link") else ""
    moment = _moment(one.get("published_parsed") or one.get("updated_parsed"))
    return Entry(plain(one.get("title")) or tidy(url, 100) or "…", url, moment, plain(one.get("author")))


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(value), UTC) if value else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _when(entry: Entry) -> float:
    return entry.published.timestamp() if entry.published else 0.0
