"""Errors as pages, or as JSON for clients that accept it: what went wrong, and what to do."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from hubs import urls
from hubs.errors import HubsError, InvalidInput, NotAllowed, TooManyRequests, Unauthorized
from hubs.i18n import N_, _
from hubs.views.web.context import account
from hubs.views.web.form_recovery import RefusedForm, SignedOut, refused_form

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
    415: N_("Content type not accepted"),
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

#: Errors after which the same form may succeed.
_RETRYABLE = (400, 401, 429, 500, 503)


#: Errors of SQLAlchemy that mean that the database is unavailable, or too slow to give us a connection.
_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
#: Seconds after which clients may try again while it is unavailable.
_RETRY_AFTER = 5


def register(app: Flask, outage_page: Callable[[], Response | None]) -> None:
    """Register the error handlers on ``app``.

    ``outage_page`` returns a page for the current request that needs no database, if there is one.
    """

    def without_database(error: Exception) -> ResponseReturnValue:
        log.error("the database does not answer: %s", error)
        return (outage_page() if request.method == "GET" else None) or _no_database()

    app.register_error_handler(HubsError, _ours)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    for kind in _UNAVAILABLE:
        app.register_error_handler(kind, without_database)
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, text: str, fields: dict[str, str] | None = None, *, signed_out: bool = False) -> Response:
    """Return an error response, as JSON or as a page; ``fields`` maps field names to messages, for the API."""
    if request.path.startswith(("/api/", "/hooks/")):
        return _problem(status, text, fields)
    if _wants_json():
        return make_response(jsonify(error=text, status=status), status)
    title = _("Signed out") if signed_out else _(_TITLES.get(status, _TITLES[500]))
    g.is_error_page = True
    try:
        values = {"title": title, "status": status, "refused": _refused_form(status), "signed_out": signed_out}
        page = render_template("error.html", text=text, **values)
    except Exception:  # an error page that fails must not hide the original error
        log.exception("the error page cannot be rendered")
        page = render_template("error-plain.html", title=title, text=text, status=status)
    return make_response(page, status)


def _wants_json() -> bool:
    is_json = request.path.startswith("/api/") or request.path.endswith("/json")
    return is_json or request.accept_mimetypes.best == "application/json"


def _is_navigation() -> bool:
    """Return whether a browser loads a page: scripts and programs do not ask for HTML by name."""
    return request.method == "GET" and any(kind == "text/html" for kind, _quality in request.accept_mimetypes)


def _refused_form(status: int) -> RefusedForm | None:
    """Return the form to send again, if sending it again can help or it holds typed text."""
    if status == 413:  # too large to be read
        return None
    form = refused_form()
    return form if form and (form.has_typed or status in _RETRYABLE) else None


def _problem(status: int, text: str, fields: dict[str, str] | None) -> Response:
    """Return an error of the API: problem details of RFC 9457."""
    body: dict[str, Any] = {"type": "about:blank", "title": _(_TITLES.get(status, _TITLES[500])), "status": status}
    response = jsonify({**body, "detail": text, **({"fields": fields} if fields else {})})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _ours(error: HubsError) -> ResponseReturnValue:
    if isinstance(error, NotAllowed) and _is_navigation() and account() is None:
        return redirect(urls.login(request.full_path.rstrip("?")), 303)
    fields = error.fields if isinstance(error, InvalidInput) else None
    response = answer(error.status, str(error), fields, signed_out=isinstance(error, SignedOut))
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
    user = account()
    if refused_form() is None:
        text = _("The form has expired or was not sent from this site. Go back, reload the page and send it again.")
    elif user is not None:
        text = _("The form is from an earlier session, so nothing was changed. You are signed in as %(name)s.")
        text = text % {"name": user.username}
    elif request.endpoint == "auth.sign_in":
        text = _("The form has expired. Please send it again.")
    else:
        return answer(400, _("You were signed out. Sign in and send it again."), signed_out=True)
    return answer(400, text)


def _no_database() -> Response:
    # Only what was read is loaded again by itself: loading a sent form again would lose its text.
    reloads = request.method == "GET" and not _wants_json()
    text = N_("The database is not responding. Nothing is lost; this page tries again by itself.")
    response = answer(503, _(text if reloads else _TEXTS[503]))
    response.headers["Retry-After"] = str(_RETRY_AFTER)
    if reloads:
        response.headers["Refresh"] = str(_RETRY_AFTER)
    return response


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.exception("%s %.300r failed", request.method, request.path)
    return answer(500, _(_TEXTS[500]))
