"""Hub pages that are ready: a reader who comes back is answered from one look into the cache, before Flask is asked.

What the last rendering for a reader was made of is kept in the process: the page's skeleton, and which fragments and
channels the permission function gave to that reader. It is used only if, in the same look that brings the fragments,
the cache still has the stamps (`hubs.fragments.versions`) of all hubs and people that the page depends on: then
nothing about them was committed since, so that function would say the same again. The stamps were read
before the rows. Everything else goes the ordinary way, which makes
the page ready again.

Who the reader is, is told by the session's cookie as it was sent: what that very cookie proved to the application
some seconds ago, it proves still, since the end of a session is a change of its person.
"""

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
from hubs.views.page_cache.skeleton import Place, Skeleton, frame_signature, tag_of, values_of
from hubs.views.web.context import AppContext
from hubs.views.web.language import COOKIE, best
from hubs.views.web.security_headers import headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Where an application finds the `PendingPage` of a request.
BEGUN = "hubs.ready"
#: The cookie that holds the session.
SESSION = "hubs"
#: Seconds for which a page is ready at most: the net below the stamps, for a cache that was away at a commit.
AGE = 5.0
#: Pages that a process keeps, and stamps that one may depend on: a reader with more hubs is answered from the database.
KEPT, STAMPS = 500, 64
#: Seconds for which the stream's cursor is used again. An older one is safe: the stream gives what happened since.
CURSOR = 0.2
#: Longest cookies and longest list of languages that are looked at, in characters.
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page with its fragments in place: good while the cache has the same ``entries``, and none of them is due."""

    entries: Mapping[str, bytes | None]
    due: float
    skeleton: Skeleton


@dataclass(slots=True)
class CachedPage:
    """One reader's page of one hub; without a skeleton it only says which stamps to read before the rows."""

    #: The headers Content-Language and Cache-Control.
    language: str
    caching: str
    #: Whether the reader is shown what is wrong with widgets.
    editor: bool
    until: datetime | None
    stamps: Mapping[str, bytes]
    keys: Mapping[str, int]
    token: str
    #: The session's secret, and a CSRF token made with it.
    csrf: tuple[str, str]
    frames: Hashable
    loaded: float
    skeleton: Skeleton | None
    filled: FilledPage | None = None


class Pages:
    """The ready pages of a process, least recently used out first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, CachedPage] = OrderedDict()

    def get(self, key: Hashable) -> CachedPage | None:
        """Return a page that was kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, page: CachedPage) -> None:
        """Keep a page."""
        with self._lock:
            self._kept[key] = page
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class PendingPage:
    """A request whose page is to be ready next time: its key, and the stamps from before any row was read."""

    pages: Pages
    key: Hashable
    stamps: Mapping[str, bytes]
    moment: float

    def keep(self, page: CachedPage, needed: Iterable[str]) -> None:
        """Keep a page with the stamps it needs, to be answered with if they were read before."""
        wanted = list(needed)
        if len(wanted) > STAMPS:
            return
        known = all(key in self.stamps for key in wanted)
        depends = {key: self.stamps.get(key, b"") for key in wanted}
        self.pages.keep(
            self.key, replace(page, stamps=depends, loaded=self.moment, skeleton=page.skeleton if known else None)
        )


class PageCacheMiddleware:
    """A WSGI application in front of another one, with ready pages."""

    def __init__(self, behind: "WSGIApplication", context: AppContext) -> None:
        self._behind, self._context, self._pages = behind, context, Pages()
        self._headers = [*headers_for(context.settings), ("Vary", "Accept-Language, Cookie")]
        self._cursor = ("", -inf)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with a ready page; pass on every other request."""
        key = _key(environ)
        if key is None:
            return self._behind(environ, start_response)
        kept, entries = self._pages.get(key), dict[str, bytes]()
        if kept is not None:
            entries = self._context.fragments.cache.get_many([*kept.stamps, *kept.keys])
            filled = self._fill(kept, entries)
            if filled is not None:
                return self._send(kept, filled, environ, start_response)
        read = self._context.fragments.public.stamps.ensure(kept.stamps, entries) if kept is not None else {}
        environ[BEGUN] = PendingPage(self._pages, key, read, time.monotonic())
        return self._behind(environ, start_response)

    def _fill(self, kept: CachedPage, entries: Mapping[str, bytes]) -> Skeleton | None:
        """Return the cached page, filled with fragments, if it is still valid."""
        if kept.skeleton is None or not _is_true(kept, entries):
            return None
        filled = kept.filled
        if filled is None or time.time() >= filled.due or not _has(entries, filled.entries):
            found = self._context.fragments.decode_entries(kept.keys, entries)
            if frame_signature(found, kept.editor) != kept.frames:
                return None
            due = min((one.due for one in found.values() if one.due), default=inf)
            filled = FilledPage({key: entries.get(key) for key in kept.keys}, due, kept.skeleton.put(values_of(found)))
            kept.filled = filled
        return filled.skeleton

    def _send(
        self, kept: CachedPage, page: Skeleton, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Send a page, or 304 if the client's copy is current."""
        secret, csrf = kept.csrf
        tag = tag_of(page, secret, self._context.settings.token_ttl)
        headers = [*self._headers, ("Cache-Control", kept.caching), ("ETag", f'W/"{tag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(tag):
            start_response("304 NOT MODIFIED", headers)
            return []
        body = page.fill(last_values(kept.token, self._cursor_now(), csrf)).encode()
        headers += [("Content-Language", kept.language), ("Content-Type", "text/html; charset=utf-8")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _cursor_now(self) -> str:
        """Return a cursor of the stream that is at most `CURSOR` seconds old."""
        cursor, moment = self._cursor
        if time.monotonic() - moment >= CURSOR:
            moment = time.monotonic()
            cursor = self._context.events.cursor()
            self._cursor = cursor, moment
        return cursor


def last_values(token: str, cursor: str, csrf: str) -> dict[Place, str]:
    """Return what is put into a page last: what differs with every rendering."""
    return {("token", 0): str(escape(token)), ("cursor", 0): str(escape(cursor)), ("csrf", 0): csrf}


def _key(environ: "WSGIEnvironment") -> Hashable | None:
    """Return what the request's page is kept under; None for what has to be made each time."""
    path = environ["PATH_INFO"]
    if not path.startswith(("/u/", "/t/")) or path.count("/") != 3 or not path.endswith("/"):
        return None
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return None
    wanted, cookies = environ.get("HTTP_ACCEPT_LANGUAGE", ""), environ.get("HTTP_COOKIE", "")
    if len(wanted) > LONGEST or len(cookies) > LONGEST:
        return None
    held = parse_cookie(cookies)
    return held.get(SESSION), path, best(held.get(COOKIE, ""), wanted)


def _is_true(kept: CachedPage, entries: Mapping[str, bytes]) -> bool:
    return (
        time.monotonic() - kept.loaded < AGE
        and (kept.until is None or kept.until > now())
        and _has(entries, kept.stamps)
    )


def _has(entries: Mapping[str, bytes], wanted: Mapping[str, bytes] | Mapping[str, bytes | None]) -> bool:
    return all(entries.get(key) == value for key, value in wanted.items())
