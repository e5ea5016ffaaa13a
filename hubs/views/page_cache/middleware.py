"""Serves hub pages to returning viewers with one cache lookup and one small query, before Flask sees the request.

Each process keeps what the last rendering for a viewer produced: the page's skeleton, and the fragments and channels
that the permission check allowed. One `get_many` then reads the fragments and the version tags
(`hubs.fragments.versions`) of all hubs and people that the page depends on. If the tags are unchanged, nothing about
these hubs and people was committed since, so the permission check would have the same result. Tags are read before
rows, so a commit in between makes the page stale at once. A cache may fail to replace a tag, so the rows that gave
access are checked in the database as well (`hubs.views.page_cache.row_versions`). Requests that miss go to Flask, which
fills the cache.

The cache key contains the raw session cookie. Ending a session bumps the person's version tag, so a cookie that was
valid when the page was cached is still valid.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from markupsafe import escape
from werkzeug.http import parse_cookie, parse_etags

from hubs.models import now
from hubs.views.page_cache.row_versions import Access, RowVersions, Versions
from hubs.views.page_cache.skeleton import Skeleton, Slot, etag_of, frame_signature, values_of
from hubs.views.web.context import AppContext
from hubs.views.web.language import COOKIE, best
from hubs.views.web.security_headers import headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Keys in the WSGI environment: of the page cache, and of a request's `PendingPage`.
PAGE_CACHE, PENDING = "hubs.page_cache", "hubs.pending_page"
#: Name of the session's cookie.
SESSION = "hubs"
#: Maximum age of a cached page in seconds: bounds how old its content can be if the cache was down when a commit bumped
#: its tags. What a person may see does not depend on it.
MAX_AGE = 5.0
#: Seconds after the last check of access for which public pages are served while the database is unavailable.
OUTAGE_AGE = 5.0
#: Pages per process, and version tags per page. Viewers with more hubs are served from the database.
MAX_PAGES, MAX_TAGS = 500, 64
#: Seconds for which a stream cursor is reused. An older cursor is safe: the stream replays what happened since.
CURSOR_AGE = 0.2
#: Longest Cookie and Accept-Language headers that are parsed, in characters.
MAX_HEADER = 4096
#: The paths of hubs' pages: ``/t/docs/``, ``/t/docs/p/contribute/``.
_PAGE = re.compile("/[ut]/[^/]+/(p/[^/]+/)?")


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page with its fragments in place: valid while the cache holds the same ``entries``, until the first is due."""

    entries: Mapping[str, bytes | None]
    due: float
    skeleton: Skeleton


@dataclass(slots=True)
class CachedPage:
    """One viewer's page of one hub; without a skeleton it only names the version tags to read before the rows."""

    #: Values of the headers Content-Language and Cache-Control.
    language: str
    cache_control: str
    #: Whether the viewer sees the errors of widgets.
    editor: bool
    #: When the viewer's sign-in expires.
    expires_on: datetime | None
    #: Version tags by cache key.
    tags: Mapping[str, bytes]
    #: The rows that gave access to the page, and their versions from before it was rendered.
    access: Access
    versions: Versions | None
    #: Widget ids by the cache key of their fragment.
    keys: Mapping[str, int]
    token: str
    #: The session's CSRF secret, and a token signed with it.
    csrf: tuple[str, str]
    frames: Hashable
    #: When the tags were read, on the monotonic clock.
    loaded: float
    skeleton: Skeleton | None
    filled: FilledPage | None = None
    #: When the rows of ``access`` last had these versions, on the monotonic clock.
    checked: float = 0.0


class Pages:
    """The cached pages of a process; evicts the least recently used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, CachedPage] = OrderedDict()

    def get(self, key: Hashable) -> CachedPage | None:
        """Return a cached page."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
            return self._pages.get(key)

    def put(self, key: Hashable, page: CachedPage) -> None:
        """Store a page."""
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)


@dataclass(frozen=True, slots=True)
class PendingPage:
    """A request that missed: where to store its page, and the tags and versions from before any row was read."""

    pages: Pages
    key: Hashable
    tags: Mapping[str, bytes]
    access: Access | None
    versions: Versions | None
    read_at: float

    def store(self, page: CachedPage, dependencies: Iterable[str]) -> None:
        """Store a page that depends on the version tags under the cache keys ``dependencies``."""
        tag_keys = list(dependencies)
        if len(tag_keys) > MAX_TAGS:
            return
        # A tag or version that was not read before the rows proves nothing about them. Then only the list of what to
        # read is stored, and the next request reads all of it first.
        complete = all(key in self.tags for key in tag_keys) and self.access == page.access
        tags = {key: self.tags.get(key, b"") for key in tag_keys}
        skeleton = page.skeleton if complete and self.versions is not None else None
        stored = replace(page, tags=tags, versions=self.versions, skeleton=skeleton)
        stored.loaded = stored.checked = self.read_at
        self.pages.put(self.key, stored)


class PageCacheMiddleware:
    """WSGI middleware that answers requests for hub pages from the page cache."""

    def __init__(self, app: "WSGIApplication", context: AppContext) -> None:
        self._app, self._context, self._pages = app, context, Pages()
        self._rows = RowVersions(context.database)
        self._headers = [*headers_for(context.settings), ("Vary", "Accept-Language, Cookie")]
        self._cursor = ("", -inf)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with a cached page; pass every other request on."""
        environ[PAGE_CACHE] = self
        key = _key(environ)
        if key is None:
            return self._app(environ, start_response)
        page, read_at = self._pages.get(key), time.monotonic()
        if page is None:
            environ[PENDING] = PendingPage(self._pages, key, {}, None, None, read_at)
            return self._app(environ, start_response)
        # Tags and fragments in one round trip.
        entries = self._context.fragments.cache.get_many([*page.tags, *page.keys])
        filled, versions = self._fill(page, entries), self._rows.read(page.access)
        if filled is not None and versions is not None and versions == page.versions:
            page.checked = read_at
            return self._send(page, filled, environ, start_response)
        # Tags that are missing in the cache are created before the application reads rows.
        tags = self._context.fragments.public.stamps.ensure(page.tags, entries)
        environ[PENDING] = PendingPage(self._pages, key, tags, page.access, versions, read_at)
        return self._app(environ, start_response)

    def during_outage(self, environ: "WSGIEnvironment") -> tuple[CachedPage, Skeleton] | None:
        """Return the page of a public hub for a request that failed because the database is unavailable.

        It is the page for visitors, since nothing says any more who the viewer is or what they may see. That the hub is
        public must have been read from the database within the last `OUTAGE_AGE` seconds: another process may still
        reach the database and make the hub private.
        """
        key = _key(environ)
        if key is None:
            return None
        page = self._pages.get((None, *key[1:]))
        if page is None or time.monotonic() - page.checked >= OUTAGE_AGE:
            return None
        filled = self._fill(page, self._context.fragments.cache.get_many([*page.tags, *page.keys]))
        return None if filled is None else (page, filled)

    def _fill(self, page: CachedPage, entries: Mapping[str, bytes]) -> Skeleton | None:
        """Return the cached page, filled with fragments, if it is still valid."""
        if page.skeleton is None or not _is_valid(page, entries):
            return None
        # Most requests find the same fragments as the one before: then nothing is decoded.
        filled = page.filled
        if filled is None or time.time() >= filled.due or not _contains(entries, filled.entries):
            fragments = self._context.fragments.decode_entries(page.keys, entries)
            # A fragment that failed or became stale has another frame, which only the template can render.
            if frame_signature(fragments, page.editor) != page.frames:
                return None
            due = min((fragment.due for fragment in fragments.values() if fragment.due), default=inf)
            current = {key: entries.get(key) for key in page.keys}
            filled = FilledPage(current, due, page.skeleton.put(values_of(fragments)))
            page.filled = filled
        return filled.skeleton

    def _send(
        self, page: CachedPage, filled: Skeleton, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Send a page, or 304 if the client's copy is current."""
        secret, csrf = page.csrf
        etag = etag_of(filled, secret, self._context.settings.token_ttl)
        headers = [*self._headers, ("Cache-Control", page.cache_control), ("ETag", f'W/"{etag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(etag):
            start_response("304 NOT MODIFIED", headers)
            return []
        body = filled.fill(request_values(page.token, self.recent_cursor(), csrf)).encode()
        headers += [("Content-Language", page.language), ("Content-Type", "text/html; charset=utf-8")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def recent_cursor(self) -> str:
        """Return a cursor of the stream that is at most `CURSOR_AGE` seconds old."""
        cursor, read_at = self._cursor
        if time.monotonic() - read_at >= CURSOR_AGE:
            read_at = time.monotonic()
            cursor = self._context.events.cursor()
            self._cursor = cursor, read_at
        return cursor


def request_values(token: str, cursor: str, csrf: str, notice: str = "") -> dict[Slot, str]:
    """Return the values that differ between requests, which are put into a page last; ``notice`` is HTML."""
    values = {"token": str(escape(token)), "cursor": str(escape(cursor)), "csrf": csrf, "notice": notice}
    return {(name, 0): value for name, value in values.items()}


def _key(environ: "WSGIEnvironment") -> tuple[str | None, str, str] | None:
    """Return the cache key of a request: session cookie, path and language; None if its page is not cacheable."""
    path = environ["PATH_INFO"]
    if not _PAGE.fullmatch(path):
        return None
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return None
    accepted, header = environ.get("HTTP_ACCEPT_LANGUAGE", ""), environ.get("HTTP_COOKIE", "")
    if len(accepted) > MAX_HEADER or len(header) > MAX_HEADER:
        return None
    cookies = parse_cookie(header)
    # The negotiated language rather than the header, of which browsers send hundreds of variants.
    return cookies.get(SESSION), path, best(cookies.get(COOKIE, ""), accepted)


def _is_valid(page: CachedPage, entries: Mapping[str, bytes]) -> bool:
    return (
        time.monotonic() - page.loaded < MAX_AGE
        and (page.expires_on is None or page.expires_on > now())
        and _contains(entries, page.tags)
    )


def _contains(entries: Mapping[str, bytes], expected: Mapping[str, bytes] | Mapping[str, bytes | None]) -> bool:
    return all(entries.get(key) == value for key, value in expected.items())
