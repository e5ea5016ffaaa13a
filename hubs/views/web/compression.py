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

        def start(*values: Any) -> Any:
            started[:] = values
            return lambda _: None

        body = self._app(environ, start)
        status, headers, *more = started
        # A plain list: this runs for every response, and most are not compressed here.
        if not any(name.lower() == "content-type" and value.startswith(_KINDS) for name, value in headers):
            start_response(status, headers, *more)
            return body
        headers = [*headers, ("Vary", "Accept-Encoding")]
        if _accepts_gzip(environ) and _pays(known := Headers(headers)):
            content = b"".join(body)
            if hasattr(body, "close"):
                body.close()
            packer = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
            body = [packer.compress(content) + packer.flush()]
            known["Content-Encoding"], known["Content-Length"] = "gzip", str(len(body[0]))
            headers = known.to_wsgi_list()
        start_response(status, headers, *more)
        return body


def _accepts_gzip(environ: "WSGIEnvironment") -> bool:
    accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
    return "gzip" in accepted and parse_accept_header(accepted).quality("gzip") > 0


def _pays(headers: Headers) -> bool:
    """Return whether a response is a whole page, or data, that is worth compressing.

    One with a strong tag is left as it is: the tag names its exact bytes.
    """
    return (
        "Content-Encoding" not in headers
        and not headers.get("ETag", "").startswith('"')
        and headers.get("Content-Length", 0, type=int) >= _SMALL
    )
