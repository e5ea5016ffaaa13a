"""Hub pages that are ready: a reader who comes back is answered from one look into the cache, without SQL.

What the last rendering for a reader was made of is kept in the process: the page's skeleton, and which fragments and
channels the permission function gave to that reader. It is used only if, in the same look that brings the fragments,
the cache still has the stamps (`hubs.stamps`) of all hubs and people that the page depends on: then nothing about them
was committed since, so that function would say the same again. The stamps were read before the rows. Everything else
goes the ordinary way, which makes the page ready anew.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask_wtf.csrf import generate_csrf
from markupsafe import escape

from hubs import stamps
from hubs.actions.sessions import digest_of
from hubs.models import Hub, Widget, now
from hubs.models.commits import begin_reading, end_reading, note_reads
from hubs.permissions import can
from hubs.views import language
from hubs.views.site import EXTENSION, channels_of, db, is_in_use, locale, me, site
from hubs.views.skeleton import Marks, Place, Skeleton, shape, stand_in, values_of
from hubs.views.validators import conditional
from hubs.widgets.fragments import Fragment

#: Seconds for which a page is ready at most: the net below the stamps, for a cache that was away at a commit.
AGE = 5.0
#: Pages that a process keeps, and stamps that one may depend on: a reader with more hubs is answered from the database.
KEPT, STAMPS = 500, 64
#: Seconds for which the stream's cursor is used again. An older one is safe: the stream gives what happened since.
CURSOR = 0.2


@dataclass(frozen=True, slots=True)
class Filled:
    """A page with its fragments in place: good while the cache has the same ``entries``, and none of them is due."""

    entries: Mapping[str, bytes | None]
    due: float
    skeleton: Skeleton


@dataclass(slots=True)
class Ready:
    """One reader's page of one hub; without a skeleton it only says which stamps to read before the rows."""

    language: str
    #: Whether the reader is shown what is wrong with widgets.
    editor: bool
    until: datetime | None
    stamps: Mapping[str, bytes]
    keys: Mapping[str, int]
    token: str
    #: The session's secret and a CSRF token made with it.
    csrf: tuple[str, str]
    shape: Hashable
    loaded: float
    skeleton: Skeleton | None
    filled: Filled | None = None


class Pages:
    """The ready pages of a process, least recently used out first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Ready] = OrderedDict()
        self._cursor = ("", float("-inf"))

    def get(self, key: Hashable) -> Ready | None:
        """Return a page that was kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, page: Ready) -> None:
        """Keep a page."""
        with self._lock:
            self._kept[key] = page
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def cursor(self) -> str:
        """Return a cursor of the stream that is at most `CURSOR` seconds old."""
        cursor, moment = self._cursor
        if time.monotonic() - moment >= CURSOR:
            moment = time.monotonic()
            cursor = site().stream.cursor()
            self._cursor = cursor, moment
        return cursor


@dataclass(frozen=True, slots=True)
class Begun:
    """A request whose page is to be ready next time: its key, and the stamps from before any row was read."""

    pages: Pages
    key: Hashable
    stamps: Mapping[str, bytes]
    moment: float


def register(app: Flask) -> None:
    """Answer with ready pages in ``app``; to be called before everything else that looks at requests."""
    pages = Pages()
    note_reads(app.extensions[EXTENSION].database)

    @app.before_request
    def answer() -> Response | None:
        key = _key()
        if key is None:
            return None
        kept, entries = pages.get(key), dict[str, bytes]()
        if kept is not None:
            entries = site().fragments.cache.get_many([*kept.stamps, *kept.keys])
            ready = _answer(pages, kept, entries)
            if ready is not None:
                return ready
        begin_reading(db())
        read = site().fragments.public.stamps.begin(kept.stamps, entries) if kept is not None else {}
        g.ready = Begun(pages, key, read, time.monotonic())
        return None


def render(hub: Hub, rows: list[Widget], found: Mapping[int, Fragment], cursor: str, **more: Any) -> Response:
    """Return a hub's page, made now of ``more`` as well; it is ready next time unless the request is a special one."""
    marks = Marks()
    channels = channels_of(hub, me())
    stream = {
        "url": site().settings.stream_url,
        "token": marks.mark("token"),
        "cursor": marks.mark("cursor"),
        "channels": " ".join(channels),
    }
    csrf = marks.mark("csrf")
    stand_ins = {number: stand_in(one, marks) for number, one in found.items()}
    shown = {"hub": hub, "rows": rows, "fragments": stand_ins, "stream": stream, **more}
    skeleton = marks.split(render_template("hub.html", **shown, csrf_token=lambda: csrf))
    token = site().tokens.mint(channels)
    filled = skeleton.put(values_of(found))
    values = _values(filled, token, cursor, ("", ""))
    answer = conditional(filled, values, _bucket())
    if "ready" in g and (me().signed_in or "key" not in session):
        secret = str(session.get("csrf_token", ""))
        page = Ready(
            language=locale(),
            editor=can(me(), "edit", hub),
            until=g.account_until if me().signed_in else None,
            stamps={},
            keys=site().fragments.keys(rows, locale()),
            token=token,
            csrf=(secret, values["csrf", 0]),
            shape=shape(found, can(me(), "edit", hub)),
            loaded=g.ready.moment,
            skeleton=skeleton,
        )
        _keep(g.pop("ready"), page)
    return answer


def _keep(begun: Begun, page: Ready) -> None:
    """Keep a page with the stamps of all that was read for it, if they were read before."""
    needed = [stamps.key(kind, number) for kind, number in sorted(end_reading(db()))]
    if len(needed) > STAMPS:
        return
    known = all(key in begun.stamps for key in needed)
    depends = {key: begun.stamps.get(key, b"") for key in needed}
    begun.pages.keep(begun.key, replace(page, stamps=depends, skeleton=page.skeleton if known else None))


def _key() -> Hashable | None:
    """Return what the request's page is kept under; None for what has to be made each time."""
    if request.method != "GET" or request.endpoint != "hub.show" or request.query_string or "_flashes" in session:
        return None
    number, key = session.get("user"), session.get("key")
    signed_in = isinstance(number, int) and isinstance(key, str) and is_in_use()
    if not signed_in and (number is not None or key is not None):
        return None
    who = (number, digest_of(str(key))) if signed_in else None
    return who, request.path, language.of_browser()


def _answer(pages: Pages, kept: Ready, entries: Mapping[str, bytes]) -> Response | None:
    """Return a ready page if it still says the truth."""
    if kept.skeleton is None or not _is_true(kept, entries):
        return None
    language.put_in_force(kept.language)
    filled = kept.filled
    if filled is None or time.time() >= filled.due or not _has(entries, filled.entries):
        found = site().fragments.sort_out(kept.keys, entries)
        if shape(found, kept.editor) != kept.shape:
            return None
        due = min((one.due for one in found.values() if one.due), default=inf)
        filled = Filled({key: entries.get(key) for key in kept.keys}, due, kept.skeleton.put(values_of(found)))
        kept.filled = filled
    return conditional(filled.skeleton, _values(filled.skeleton, kept.token, pages.cursor(), kept.csrf), _bucket())


def _is_true(kept: Ready, entries: Mapping[str, bytes]) -> bool:
    return (
        time.monotonic() - kept.loaded < AGE
        and (kept.until is None or kept.until > now())
        and _has(entries, kept.stamps)
    )


def _has(entries: Mapping[str, bytes], wanted: Mapping[str, bytes] | Mapping[str, bytes | None]) -> bool:
    return all(entries.get(key) == value for key, value in wanted.items())


def _values(skeleton: Skeleton, token: str, cursor: str, csrf: tuple[str, str]) -> dict[Place, str]:
    """Return what is put into a page last; a form needs a token of this session, which begins one for a visitor."""
    made = ""
    if ("csrf", 0) in skeleton.places:
        secret, before = csrf
        made = before if secret and secret == session.get("csrf_token") else generate_csrf()
    return {("token", 0): str(escape(token)), ("cursor", 0): str(escape(cursor)), ("csrf", 0): made}


def _bucket() -> int:
    """Return a number that moves on often enough: a page that a browser kept must not hold a token nearly too old."""
    return int(time.time()) // max(1, site().settings.token_ttl // 4)
