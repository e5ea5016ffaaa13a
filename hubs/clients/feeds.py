"""Feeds: RSS 0.9 to 2.0 and Atom, from addresses that people typed.

Formats: https://www.rssboard.org/rss-specification and https://www.rfc-editor.org/rfc/rfc4287. A feed that defines
entities is refused before they are expanded.
"""

import html
import re
from collections.abc import Mapping, Sequence
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
from hubs.parameters.addresses import TypedAddress

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
#: Bytes read of a feed, and maximum number of entries.
LIMIT, ENTRIES = 1_000_000, 200
#: A time zone of RFC 3339. It also occurs in RFC 822 dates, where the standard library would ignore it.
_ZONE = re.compile(r"([+-]\d\d):(\d\d)$")
#: Names of zones at the end of a date. The standard library knows only those of North America, and takes others for
#: UTC.
_ZONE_NAME = re.compile(r"[A-Z]{3,4}$")
_OFFSETS = {
    "+0000": "WET",
    "+0100": "CET MEZ WEST BST WAT",
    "+0200": "CEST MESZ EET CAT SAST",
    "+0300": "EEST MSK TRT EAT",
    "+0500": "PKT",
    "+0530": "IST",
    "+0800": "AWST HKT SGT",
    "+0900": "JST KST",
    "+0930": "ACST",
    "+1000": "AEST",
    "+1030": "ACDT",
    "+1100": "AEDT",
    "+1200": "NZST",
    "+1300": "NZDT",
    "-0300": "BRT ART ADT",
    "-0400": "AST",
    "-0800": "AKDT",
    "-0900": "AKST",
    "-1000": "HST",
}
_ZONE_NAMES = {name: offset for offset, names in _OFFSETS.items() for name in names.split()}
#: The year that programs write for a missing date: 0001-01-01, or 01 Jan 0001.
_NEVER = re.compile(r"(?:^|\s)0001\b")


@dataclass(frozen=True)
class Entry:
    """One entry, in plain text; ``url`` is a web address or empty."""

    title: str
    url: str
    published: datetime | None
    author: str = ""


@dataclass(frozen=True)
class Feed:
    """A feed; entries are newest first, except that those without a date are where the feed has them."""

    title: str
    url: str
    entries: tuple[Entry, ...]


class Feeds:
    """A client that reads feeds."""

    def __init__(self, http: HTTP) -> None:
        self._http = http

    def read(self, url: TypedAddress) -> Feed:
        """Return the feed at an address.

        :raises UpstreamForbidden: when the address leads to no public web server.
        :raises UpstreamError: when there is no usable response.
        """
        response = self._http.get(url, accept=ACCEPT, limit=LIMIT, cut=True)
        try:
            raw = parse(response.body, response.headers.get("content-type", ""), ENTRIES)
        except InvalidInput:
            raise unexpected(response.name) from None
        if response.is_cut and len(raw.entries) < ENTRIES:
            raw.entries = raw.entries[:-1]  # the last one is incomplete
        return _feed(raw, response.url)


def plain(text: Any) -> str:
    """Return possible HTML as one line of plain text. Only its beginning is parsed: deeply nested HTML is slow."""
    return tidy(html.unescape(nh3.clean(str(text or "")[:1000], tags=set())), 300)


def _feed(raw: RawFeed, address: str) -> Feed:
    base = _joined(address, raw.base) or address
    entries = [_entry(entry, base) for entry in raw.entries]
    return Feed(plain(raw.head.get("title")), _joined(base, raw.head.get("link", "")), tuple(_ordered(entries)))


def _ordered(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries newest first; those without a date keep their place in the feed."""
    dated = iter(sorted((entry for entry in entries if entry.published), key=_when, reverse=True))
    return [next(dated) if entry.published else entry for entry in entries]


def _entry(entry: Mapping[str, str], base: str) -> Entry:
    url = _joined(base, entry["link"]) if "link" in entry else link(entry.get("guid"))
    moment = _moment(entry.get("published") or entry.get("updated") or "")
    # Entries of microblogs have no title; the beginning of their text takes its place.
    title = plain(entry.get("title")) or tidy(plain(entry.get("summary")), 100) or tidy(url, 100) or "…"
    return Entry(title, url, moment, plain(entry.get("author")))


def _joined(base: str, address: str) -> str:
    try:
        return link(urljoin(base, address.strip()))
    except ValueError:
        return ""


def _moment(text: str) -> datetime | None:
    """Parse a time of RFC 3339 or RFC 822; a date alone counts as midnight, and year 1 as missing."""
    text = _ZONE.sub(r"\1\2", text[:100].strip().upper())
    text = _ZONE_NAME.sub(lambda match: _ZONE_NAMES.get(match[0], match[0]), text)
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
