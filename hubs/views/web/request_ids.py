"""Gives each request an id, which nginx assigns, and answers with it."""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hubs import logs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"


class RequestIds:
    """WSGI middleware: log lines of a request, and our messages that it causes, carry its id."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        number = logs.usable(environ.get("HTTP_X_REQUEST_ID")) or uuid.uuid4().hex

        def begin(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
            return start_response(status, [*headers, (HEADER, number)], exc_info)  # type: ignore[arg-type]

        with logs.bound(request_id=number):
            return self._app(environ, begin)  # type: ignore[arg-type]
