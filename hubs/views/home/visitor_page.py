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
from hubs.views.web.context import app_context
from hubs.views.web.language import COOKIE

#: Seconds for which a page is kept: less than between two requests of an open page, and the five after which access
#: must have ended.
MAX_AGE = 1.0
_EXTENSION = "hubs.visitor_page"


class _Kept(NamedTuple):
    html: str
    #: The tag of everything, and the time, from before the page was rendered.
    tag: bytes
    began: float


def page(render: Callable[[], str]) -> str:
    """Return the page that ``render`` returns to a visitor, or has returned to another one just before."""
    # A session may have messages to show, and what else a request says may be on the page.
    if request.query_string or not request.cookies.keys() <= {COOKIE}:
        return render()
    pages: dict[str, _Kept] = current_app.extensions.setdefault(_EXTENSION, {})
    fragments, anything = app_context().fragments, key(*ANYTHING)
    began, language = time.monotonic(), i18n.current()
    tags = fragments.public.stamps.ensure([anything], fragments.cache.get_many([anything]))
    kept = pages.get(language)
    if kept is not None and began - kept.began < MAX_AGE and tags.get(anything) == kept.tag:
        return kept.html
    html = render()
    if anything in tags and not session:  # what was said of a session that began meanwhile is for this browser alone
        pages[language] = _Kept(html, tags[anything], began)
    return html
