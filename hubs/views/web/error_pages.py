"""Errors as pages, or as JSON for clients that accept it: what went wrong, and what to do."""

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from hubs.errors import HubsError, InvalidInput, TooManyRequests, Unauthorized
from hubs.i18n import N_, _

log = logging.getLogger(__name__)

_TITLES = {
    400: N_("Invalid request"),
    401: N_("Authentication required"),
    403: N_("Permission denied"),
    404: N_("Page not found"),
    405: N_("Method not allowed"),
    409: N_("Something changed in the meantime"),
    412: N_("Something changed in the meantime"),
    413: N_("Request too large"),
    429: N_("Too many requests"),
    500: N_("Something went wrong"),
    503: N_("Temporarily unavailable"),
}
_TEXTS = {
    404: N_("The address may be misspelled, or the page may have been removed. The front page lists all hubs."),
    405: N_("Go back to the previous page and try again."),
    413: N_("A request can hold at most one megabyte. Please send less."),
    500: N_("The error is on our side and has been logged. Try again in a minute."),
    503: N_("The database is not responding. Nothing is lost; try again in a minute."),
}


def register(app: Flask) -> None:
    """Register the error handlers on ``app``."""
    app.register_error_handler(HubsError, _ours)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _no_database)
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, text: str, fields: dict[str, str] | None = None) -> Response:
    """Return an error response, as JSON or as a page; ``fields`` maps field names to messages, for the API."""
    if request.path.startswith("/api/"):
        return _problem(status, text, fields)
    if request.path.endswith("/json") or request.accept_mimetypes.best == "application/json":
        return make_response(jsonify(error=text, status=status), status)
    title = _(_TITLES.get(status, _TITLES[500]))
    g.is_error_page = True
    try:
        page = render_template("error.html", title=title, text=text, status=status)
    except Exception:  # an error page that fails must not hide the original error
        log.exception("the error page cannot be rendered")
        page = render_template("error-plain.html", title=title, text=text, status=status)
    return make_response(page, status)


def _problem(status: int, text: str, fields: dict[str, str] | None) -> Response:
    """Return an error of the API: problem details of RFC 9457."""
    body: dict[str, Any] = {"type": "about:blank", "title": _(_TITLES.get(status, _TITLES[500])), "status": status}
    response = jsonify({**body, "detail": text, **({"fields": fields} if fields else {})})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _ours(error: HubsError) -> Response:
    response = answer(error.status, str(error), error.fields if isinstance(error, InvalidInput) else None)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="hubs"'
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    return answer(status, _(_TEXTS.get(status, error.description or "")))


def _stale_form(error: CSRFError) -> ResponseReturnValue:
    return answer(
        400,
        _("The form has expired or was not sent from this site. Go back, reload the page and submit the form again."),
    )


def _no_database(error: OperationalError) -> ResponseReturnValue:
    log.error("the database does not answer: %s", error)
    return answer(503, _(_TEXTS[503]))


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.exception("%s %.300r failed", request.method, request.path)
    return answer(500, _(_TEXTS[500]))
