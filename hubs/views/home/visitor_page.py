"""Keeps the front page of visitors for a moment: all see the same, and reading it takes fifteen statements.

It is kept while nothing about any hub or person has changed, so that nobody is shown what is hidden by then, and for
`MAX_AGE` seconds at most, in which messages may arrive, or the cache may fail to tell of a change.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from flask import current_app, request, session

from hubs import i18n
from hubs.fragments.versions import ANYTHING, key
from hubs.views.page_cache.turns import Turns
from hubs.views.web.context import app_context
from hubs.views.web.language import COOKIE

#: Seconds for which a page is kept: less than between two requests of an open page, and the five after which access
#: must have ended.
MAX_AGE = 1.0
#: How often a request waits for another one that renders the page, each time for `PATIENCE` of `Turns`.
WAITS = 8
_EXTENSION = "hubs.visitor_page"


class _Kept(NamedTuple):
    html: str
    #: The tag of everything, from before the page was rendered.
    tag: bytes
    #: When it was rendered, on the monotonic clock.
    rendered: float


class _Pages:
    """The pages of a process, by language."""

    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}
        self.turns = Turns()


def page(render: Callable[[], str]) -> str:
    """Return the page that ``render`` returns to a visitor, or has returned to another one just before."""
    # A session may have messages to show, and what else a request says may be on the page.
    if request.query_string or not request.cookies.keys() <= {COOKIE}:
        return render()
    pages: _Pages = current_app.extensions.setdefault(_EXTENSION, _Pages())
    language = i18n.current()
    for _ in range(WAITS):
        tag = _tag()
        html = _kept(pages, language, tag)
        if html is not None:
            return html
        # The first page of a process takes a second of processor time: many threads at once would each take many.
        if pages.turns.begin(language):
            try:
                # Somebody else's turn may have ended after this request looked.
                return _kept(pages, language, tag) or _rendered(render, tag, pages, language)
            finally:
                pages.turns.end(language)
    return render()


def _kept(pages: _Pages, language: str, tag: bytes) -> str | None:
    kept = pages.kept.get(language)
    if kept is None or time.monotonic() - kept.rendered >= MAX_AGE or tag != kept.tag:
        return None
    return kept.html


def _rendered(render: Callable[[], str], tag: bytes, pages: _Pages, language: str) -> str:
    html = render()
    if tag and not session:  # what was said of a session that began meanwhile is for this browser alone
        pages.kept[language] = _Kept(html, tag, time.monotonic())
    return html


def _tag() -> bytes:
    """Return the tag of everything; empty without the cache."""
    fragments, anything = app_context().fragments, key(*ANYTHING)
    for _ in range(2):  # of several requests that create it at once, one does, and the others read it
        tag = fragments.public.stamps.ensure([anything], fragments.cache.get_many([anything])).get(anything, b"")
        if tag:
            return tag
    return b""
