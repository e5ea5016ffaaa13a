"""Compresses pages for browsers that reach the application itself; behind a proxy, that is the proxy's work."""

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: What is compressed, the least size in bytes for which it pays, and the level of zlib: higher ones take longer for
#: little.
_KINDS, _SMALL, _LEVEL = ("text/html", "application/json"), 1000, 4


def install(app: Flask) -> None:
    """Compress the pages of an application."""
    app.wsgi_app = CompressionMiddleware(app.wsgi_app)  # type: ignore[method-assign]


class CompressionMiddleware:
    """WSGI middleware that compresses HTML and JSON; `hubs.views.web.static_files` has its files compressed."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on, and compress the response if the browser accepts it and no proxy is in between."""
        if "HTTP_X_FORWARDED_FOR" in environ or environ["REQUEST_METHOD"] == "HEAD":
            return self._app(environ, start_response)
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            started[:] = [status, Headers(headers), more]
            return lambda _: None

        body = self._app(environ, start)
        status, headers, more = started
        if _accepts_gzip(environ) and _pays(headers):
            content = b"".join(body)
            if hasattr(body, "close"):
                body.close()
            packer = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
            body = [packer.compress(content) + packer.flush()]
            headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(body[0]))
        if headers.get("Content-Type", "").startswith(_KINDS):
            headers.add("Vary", "Accept-Encoding")
        start_response(status, headers.to_wsgi_list(), *more)
        return body


def _accepts_gzip(environ: "WSGIEnvironment") -> bool:
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
    return "gzip" in accepted and parse_accept_header(accepted).quality("gzip") > 0


def _pays(headers: Headers) -> bool:
    """Return whether a response is a whole page, or data, that is worth compressing.

    One with a strong tag is left as it is: the tag names its exact bytes.
    """
    return (
        headers.get("Content-Type", "").startswith(_KINDS)
        and "Content-Encoding" not in headers
        and not headers.get("ETag", "").startswith('"')
        and headers.get("Content-Length", 0, type=int) >= _SMALL
    )
