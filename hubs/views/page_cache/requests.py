"""Recognises requests for hubs' pages, and reads from them what decides about the page."""

import re
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.http import parse_cookie

from hubs.views.web.language import COOKIE, best

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Name of the session's cookie.
SESSION = "hubs"
#: Longest Cookie and Accept-Language headers that are parsed, in characters.
MAX_HEADER = 4096
#: The paths of hubs' pages: ``/t/docs/``, ``/t/docs/p/contribute/``.
_PAGE = re.compile("/[ut]/[^/]+/(p/[^/]+/)?")


class PageRequest(NamedTuple):
    """What a request for a page says: the session's cookie, the path, and the language of the browser."""

    cookie: str | None
    path: str
    language: str


def page_request(environ: "WSGIEnvironment") -> PageRequest | None:
    """Return what a request for a page says; None if it is for something else, or for more than the page."""
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
    return PageRequest(cookies.get(SESSION), path, best(cookies.get(COOKIE, ""), accepted))
