"""Feeds: RSS 0.9 to 2.0 and Atom, from any address that a person typed.

Formats: https://www.rssboard.org/rss-specification and https://www.rfc-editor.org/rfc/rfc4287. A feed that brings
entities of its own is refused before anything expands them.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import nh3

from hubs.clients.feedxml import RawFeed, parse
from hubs.clients.http.client import HTTP
from hubs.clients.http.response import link, tidy, unexpected, utc
from hubs.errors import InvalidInput

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
#: Largest feed in bytes, and entries that are read.
LIMIT, ENTRIES = 1_000_000, 200
#: A zone as RFC 3339 has it, also where people write it in dates of RFC 822, whose reader would take it for none.
_ZONE = re.compile(r"([+-]\d\d):(\d\d)$")
#: The year in which programs put what has no date: 0001-01-01, or 01 Jan 0001.
_NEVER = re.compile(r"(?:^|\s)0001\b")


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
        try:
            found = parse(answer.body, answer.headers.get("content-type", ""), ENTRIES)
        except InvalidInput:
            raise unexpected(answer.name) from None
        return _feed(found, answer.url)


def plain(text: Any) -> str:
    """Return the text of what may be HTML, in one line: of its beginning, as HTML takes long where it is tangled."""
    return tidy(html.unescape(nh3.clean(str(text or "")[:1000], tags=set())), 300)


def _feed(found: RawFeed, address: str) -> Feed:
    base = _joined(address, found.base) or address
    entries = [_entry(one, base) for one in found.entries]
    if all(one.published for one in entries):
        entries.sort(key=_when, reverse=True)
    return Feed(plain(found.head.get("title")), _joined(base, found.head.get("link", "")), tuple(entries))


def _entry(one: Mapping[str, str], base: str) -> Entry:
    url = _joined(base, one["link"]) if "link" in one else link(one.get("guid"))
    moment = _moment(one.get("published") or one.get("updated") or "")
    # What is told in short notes has no title: it is known by how it begins.
    title = plain(one.get("title")) or tidy(plain(one.get("summary")), 100) or tidy(url, 100) or "…"
    return Entry(title, url, moment, plain(one.get("author")))


def _joined(base: str, address: str) -> str:
    try:
        return link(urljoin(base, address.strip()))
    except ValueError:
        return ""


def _moment(text: str) -> datetime | None:
    """Read a moment of RFC 3339 or RFC 822; a day alone counts as its first moment, and year 1 as none at all."""
    text = _ZONE.sub(r"\1\2", text[:100].upper())
    for read in (datetime.fromisoformat, parsedate_to_datetime, _read_day):
        try:
            return None if _NEVER.search(text) else utc(read(text))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _read_day(text: str) -> datetime:
    return parsedate_to_datetime(f"{text} 00:00")


def _when(entry: Entry) -> float:
    return entry.published.timestamp() if entry.published else 0.0
