"""Serves hub pages with one cache lookup and one small query, before Flask sees the request.

A page has two parts. The shared one (`hubs.views.page_cache.shared`) is the same for all readers of an audience, and
the application renders it once for each version of the hub. The personal one (`hubs.views.page_cache.readers`) is the
same on all pages that somebody reads. Both are kept in the process, and put together for each request. What another
process has rendered is found in the cache (`hubs.views.page_cache.copies`).

One `get_many` reads the version tags (`hubs.fragments.versions`) of everything that the two parts depend on. If they
are unchanged, nothing about these hubs and people was committed since, so both would be rendered the same; if that of
the content is, no fragment is new, and those already in the page are its latest. Tags are read before rows, so a commit
in between makes a part stale at once. A cache may fail to replace a tag, so the rows that gave access are checked in
the database as well (`hubs.views.page_cache.row_versions`). A reader that is not current is read again; a page that is
not current goes to Flask, which stores the new one.
"""

import time
from collections.abc import Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING

from flask import Flask
from markupsafe import escape
from werkzeug.http import parse_etags

from hubs.fragments.versions import key as tag_key
from hubs.permissions import standing
from hubs.views.page_cache.copies import MAX_AGE, Copies
from hubs.views.page_cache.kept_readers import KeptReader
from hubs.views.page_cache.lookup import Lookup, PendingPage, ReadyPage
from hubs.views.page_cache.page_copies import PageCopies
from hubs.views.page_cache.personal import Reader
from hubs.views.page_cache.readers import Readers
from hubs.views.page_cache.requests import PageRequest, page_request
from hubs.views.page_cache.row_versions import Access, RowVersions, Versions
from hubs.views.page_cache.shared import FilledPage, PageKey, Place, SharedPage, SharedPages
from hubs.views.page_cache.skeleton import FilledSkeleton, Slot, etag_of, frame_signature, values_of
from hubs.views.page_cache.turns import Turns
from hubs.views.web.context import AppContext
from hubs.views.web.security_headers import headers_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Keys in the WSGI environment: of the page cache, and of a request's `PendingPage` or `ReadyPage`.
PAGE_CACHE, PENDING, READY = "hubs.page_cache", "hubs.pending_page", "hubs.ready_page"
#: Seconds after the last check of access for which public pages are served while the database is unavailable.
OUTAGE_AGE = 5.0
#: Seconds for which a stream cursor is reused. An older cursor is safe: the stream replays what happened since.
CURSOR_AGE = 0.2
#: How often a request waits for another one that renders the same page: again if the page changed meanwhile.
WAITS = 2


class PageCacheMiddleware:
    """WSGI middleware that answers requests for hub pages from the two parts that the process keeps."""

    def __init__(self, app: "WSGIApplication", context: AppContext, flask: Flask) -> None:
        self._app, self._context = app, context
        copies = Copies(context.fragments, context.settings)
        self._pages, self._copies = SharedPages(), PageCopies(copies)
        self._readers = Readers(flask, context, copies)
        self._rows, self._turns = RowVersions(context.database), Turns()
        self._headers = [*headers_for(context.settings), ("Vary", "Accept-Language, Cookie")]
        self._cursor = ("", -inf)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with a page from its parts; pass every other request on."""
        environ[PAGE_CACHE] = self
        request = page_request(environ)
        if request is None:
            return self._app(environ, start_response)
        issued = time.time()
        place = self._pages.place(request.path) or self._copied_place(request.path)
        if place is None:
            environ[PENDING] = PendingPage(self._pages, self._copies, {}, None, time.monotonic())
            return self._app(environ, start_response)
        # The cursor comes first: the stream then replays events that happen from here on.
        stream = issued, self.recent_cursor()
        lookup = self._find(request, place)
        for attempt in range(WAITS):
            key = lookup.missing
            if key is None:
                break
            if self._turns.begin(key):
                try:
                    if attempt:  # the turn of another one that waited may have ended after this one looked
                        lookup = self._find(request, self._pages.place(request.path) or place)
                    return self._answer(lookup, stream, environ, start_response)
                finally:
                    self._turns.end(key)
            # Another request has rendered the page. Everything is read and checked again.
            lookup = self._find(request, self._pages.place(request.path) or place)
        return self._answer(lookup, stream, environ, start_response)

    def _find(self, request: PageRequest, place: Place) -> Lookup:
        """Look for the page of a request; read what tells whether it is current."""
        read_at = time.monotonic()
        kept, page, entries, versions = self._current_reader(request, place)
        ready = self._ready(kept, page, entries, versions)
        if ready is None and kept is not None and versions is not None:
            ready = self._copied(kept, request.path, place, entries, versions)
        if ready is not None:
            ready.page.checked = read_at
            return Lookup(kept, ready)
        # Tags that are missing in the cache are created before the application reads rows.
        tags = self._context.fragments.public.stamps.ensure(place.tags, entries)
        pending = PendingPage(self._pages, self._copies, tags, versions, read_at, kept.reader if kept else None)
        return Lookup(kept, None, pending, self._missing(kept, request.path, place, pending))

    def _current_reader(
        self, request: PageRequest, place: Place
    ) -> tuple[KeptReader | None, SharedPage | None, Mapping[str, bytes], Versions | None]:
        """Return the reader, their page if it is known, and what tells whether that is current."""
        readers, cookie, language = self._readers, request.cookie, request.language
        known = readers.get(cookie, language)
        if known is not None:
            page, entries, versions = self._read(request, known, place)
            if self._is_current(known, entries, versions):
                return known, page, entries, versions
        copy = readers.copied(cookie, language)
        if copy is not None and (known is None or copy.loaded > known.loaded):
            page, entries, versions = self._read(request, copy, place)
            if self._is_current(copy, entries, versions):
                return readers.keep(cookie, language, copy), page, entries, versions
        kept = readers.load(cookie, language)
        return kept, *self._read(request, kept, place)

    def _missing(self, kept: KeptReader | None, path: str, place: Place, pending: PendingPage) -> PageKey | None:
        """Return the key of a page that the application will render and keep; None if others need not wait for it."""
        if kept is None or pending.versions is None or not place.tags <= pending.tags.keys():
            return None
        # Opening the page marks notifications as read, which no other request does for this reader.
        if place.hub_id in kept.reader.bar.unread:
            return None
        return page_key(path, kept.reader, place.hub_id, place.user_id)

    def _answer(
        self,
        lookup: Lookup,
        stream: tuple[float, str],
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Send the page if there is one, or have the application answer."""
        kept, ready = lookup.kept, lookup.ready
        if kept is None or ready is None:
            environ[PENDING] = lookup.pending
            return self._app(environ, start_response)
        if not ready.page.announces and self._readers.is_usable(kept):
            # A browser loads a page; scripts of open pages are no visits.
            if kept.reader.sign_in and "text/html" in environ.get("HTTP_ACCEPT", ""):
                self._context.visits.note(kept.reader.person.id)
            return self._send(ready, stream, environ, start_response)
        # The application renews the session, or adds announcements.
        environ[READY] = ready
        return self._app(environ, start_response)

    def _read(
        self, request: PageRequest, kept: KeptReader | None, place: Place
    ) -> tuple[SharedPage | None, Mapping[str, bytes], Versions | None]:
        """Return the page for a reader, if it is known, and what tells whether both are current, in two round trips."""
        reader, page = kept.reader if kept else None, None
        if reader is not None:
            page = self._pages.get(page_key(request.path, reader, place.hub_id, place.user_id))
        # Tags alone: fragments are large, and read only if the tag of the hub's content says that one is new.
        tags = {*place.tags, *(kept.tags if kept else ()), tag_key("content", place.hub_id)}
        entries = self._context.fragments.cache.get_many(tags)
        hubs = place.hubs | kept.hubs if kept else place.hubs
        return page, entries, self._rows.read(Access(hubs, reader.sign_in if reader else ""))

    def _is_current(self, kept: KeptReader, entries: Mapping[str, bytes], versions: Versions | None) -> bool:
        return (
            time.monotonic() - kept.loaded < MAX_AGE
            and _contains(entries, kept.tags)
            and versions is not None
            and _includes(versions, kept.versions)
        )

    def _ready(
        self,
        kept: KeptReader | None,
        page: SharedPage | None,
        entries: Mapping[str, bytes],
        versions: Versions | None,
    ) -> ReadyPage | None:
        """Return the page of a reader if both parts are current, unless opening it marks notifications as read."""
        if kept is None or page is None or versions is None or page.hub_id in kept.reader.bar.unread:
            return None
        if not (_includes(versions, page.versions) and _includes(versions, kept.versions)):
            return None
        filled = self._fill(page, entries)
        return ReadyPage(kept.reader, page, filled) if filled is not None else None

    def _copied_place(self, path: str) -> Place | None:
        """Return what another process knows about the hub at a path."""
        place = self._copies.place(path)
        return None if place is None else self._pages.note(path, place)

    def _copied(
        self, kept: KeptReader, path: str, place: Place, entries: Mapping[str, bytes], versions: Versions
    ) -> ReadyPage | None:
        """Return the page of a reader that another process has rendered, if it is current."""
        key = page_key(path, kept.reader, place.hub_id, place.user_id)
        page = self._copies.get(key)
        ready = self._ready(kept, page, entries, versions)
        if page is not None and ready is not None:
            self._pages.put(key, page)
        return ready

    def during_outage(self, environ: "WSGIEnvironment") -> tuple[SharedPage, FilledSkeleton] | None:
        """Return the page of a public hub for a request that failed because the database is unavailable.

        It is the page for visitors, since nothing says any more who the reader is or what they may see. That the hub is
        public must have been read from the database within the last `OUTAGE_AGE` seconds: another process may still
        reach the database and make the hub private.
        """
        request = page_request(environ)
        place = self._pages.place(request.path) if request else None
        if request is None or place is None:
            return None
        page = self._pages.get(page_key(request.path, Reader(request.language), place.hub_id, place.user_id))
        if page is None or time.monotonic() - page.checked >= OUTAGE_AGE:
            return None
        filled = self._fill(page, self._context.fragments.cache.get_many([*page.tags, tag_key("content", page.hub_id)]))
        return None if filled is None else (page, filled)

    def _fill(self, page: SharedPage, entries: Mapping[str, bytes]) -> FilledSkeleton | None:
        """Return the shared part, filled with fragments, if it is still current."""
        if time.monotonic() - page.loaded >= MAX_AGE or not _contains(entries, page.tags):
            return None
        key, filled, store = tag_key("content", page.hub_id), page.filled, self._context.fragments
        content = entries.get(key, b"")
        # Most requests find the same fragments as the one before: then nothing is read and decoded.
        if filled is None or content != filled.content or not content or time.time() >= filled.due:
            # The tag comes first: whatever is stored after the fragments are read replaces it once more.
            content = store.public.stamps.ensure([key], entries).get(key, b"")
            fragments = store.decode_entries(page.keys, store.cache.get_many(page.keys))
            # A fragment that failed or became stale has another frame, which only the template can render.
            if frame_signature(fragments, page.is_editor) != page.frames:
                return None
            due = min((fragment.due for fragment in fragments.values() if fragment.due), default=inf)
            filled = page.filled = FilledPage(content, due, page.skeleton.put(values_of(fragments)))
        return filled.skeleton

    def _send(
        self,
        ready: ReadyPage,
        stream: tuple[float, str],
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Send a page, or 304 if the client's copy is current; ``stream`` dates its token, and has its cursor."""
        reader, page, filled = ready
        settings = self._context.settings
        etag = etag_of(filled, reader.digest, reader.secret, settings.token_ttl)
        cache_control = "private, no-cache" if reader.has_cookie else "no-cache"
        headers = [*self._headers, ("Cache-Control", cache_control), ("ETag", f'W/"{etag}"')]
        if parse_etags(environ.get("HTTP_IF_NONE_MATCH")).contains_weak(etag):
            start_response("304 NOT MODIFIED", headers)
            return []
        issued, cursor = stream
        token = reader.mint(self._context.tokens, page, issued)
        body = filled.fill({**reader.fills(page), **stream_values(token, cursor)})
        language = reader.language.replace("_", "-")
        headers += [("Content-Language", language), ("Content-Type", "text/html; charset=utf-8")]
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


def page_key(path: str, reader: Reader, hub_id: int, user_id: int | None) -> PageKey:
    """Return the key of the shared part of a page for a reader."""
    stands = standing(reader.person, hub_id, user_id)
    return PageKey(hub_id, path, reader.language, stands, hub_id in reader.pending, reader.chosen, reader.has_session)


def stream_values(token: str, cursor: str) -> dict[Slot, bytes]:
    """Return the values for the slots of the stream, which differ with each request."""
    return {("token", 0): escape(token).encode(), ("cursor", 0): escape(cursor).encode()}


def _contains(entries: Mapping[str, bytes], expected: Mapping[str, bytes]) -> bool:
    return all(entries.get(key) == value for key, value in expected.items())


def _includes(versions: Versions, expected: Versions) -> bool:
    return all(versions.get(row) == version for row, version in expected.items())
