"""Shared by all API resources: authentication, rate limits, request bodies, ETags and preconditions."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from flask import Request, Response, current_app, g, jsonify, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from hubs.actions import outbox
from hubs.actions.people import tokens
from hubs.errors import InvalidInput, NotAllowed, NotFound, PreconditionFailed, Unauthorized
from hubs.i18n import _
from hubs.models import Hub, PersonalToken, Scope, Widget
from hubs.views.web.context import account, app_context, db, rate_limit_key
from hubs.views.web.input_check import check_json
from hubs.views.web.rate_limits import address_key

PREFIX = "/api/v1"
#: Largest value of an integer primary key.
LARGEST = 2**31 - 1
#: Methods without side effects.
SAFE = ("GET", "HEAD", "OPTIONS")
F = TypeVar("F", bound=Callable[..., Any])
Row = TypeVar("Row", Hub, Widget)


class Parser(FlaskParser):
    """Parses bodies and queries; errors are reported per field, as in forms."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Return the body, which must be a JSON object."""
        return json_object(req)

    def handle_error(self, error: ValidationError, *_args: Any, **_more: Any) -> NoReturn:
        """Raise our own error, so that it is rendered like all others."""
        locations: Any = error.messages
        fields = {
            str(name): _sentence(problem) for location in locations.values() for name, problem in location.items()
        }
        raise InvalidInput(_("Some fields need your attention."), fields)


def _sentence(problem: Any) -> str:
    """Return marshmallow's messages for one field, which may be nested, as one text."""
    if isinstance(problem, Mapping):
        return " ".join(_sentence(inner) for inner in problem.values())
    return " ".join(str(part) for part in problem) if isinstance(problem, list) else str(problem)


def json_object(req: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    :raises InvalidInput: if there is none, or it holds text that a database cannot store (NUL, lone surrogates).
    """
    if not req.is_json:
        raise InvalidInput(_("Send JSON, with the header Content-Type: application/json."))
    try:
        body = req.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise InvalidInput(_('The body is not a JSON object. Send one such as {"name": "value"}.'))
    check_json(body)
    return body


class ApiBlueprint(Blueprint):
    """The resources of one kind; ``name`` is their heading in the documentation."""

    ARGUMENTS_PARSER = Parser()
    #: Accepted credentials of writes, as OpenAPI security requirements.
    security_schemes: Sequence[Mapping[str, Sequence[str]]] = ({"token": []}, {"session": [], "form": []})

    def __init__(self, name: str, import_name: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, description=description)
        self._prepare_doc_cbks.append(_add_match)
        self.register_hooks()

    def register_hooks(self) -> None:
        """Authenticate each request and finish each response."""
        self.before_request(authenticate)
        self.after_request(finish)

    def read(self, rule: str, schema: type[Schema], *fails: int) -> Callable[[F], F]:
        """Register a GET view and document its responses; ``fails`` are its own error codes."""

        def register(view: F) -> F:
            for code in (304, 401, *fails, 429):
                view = self.alt_response(code, _NAMES[code])(view)
            view = self.response(200, schema, headers=ETAG)(view)
            _mark(view, IF_NONE_MATCH)
            return self.route(rule, methods=["GET"])(view)  # type: ignore[no-any-return]

        return register

    def write(
        self, method: str, rule: str, status: int, schema: type[Schema] | None, *fails: int, match: bool = False
    ) -> Callable[[F], F]:
        """Register a view that changes something; ``match`` if it honours ``If-Match``."""

        def register(view: F) -> F:
            for code in (400, 401, 403, *fails, 429, *([412] if match else [])):
                view = self.alt_response(code, _NAMES[code])(view)
            view = self.response(status, schema)(view)
            view = self.doc(security=list(self.security_schemes))(view)
            if match:
                _mark(view, IF_MATCH)
            return self.route(rule, methods=[method])(view)  # type: ignore[no-any-return]

        return register


_NAMES = {
    304: "NOT_MODIFIED",
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: HTTPStatus.REQUEST_ENTITY_TOO_LARGE.name,  # its name depends on the version of Python
    429: "TOO_MANY_REQUESTS",
}
ETAG = {"ETag": {"description": "Changes whenever the response does.", "schema": {"type": "string"}}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


IF_NONE_MATCH = _header("If-None-Match", "An ETag: the response is 304 if nothing changed since.")
IF_MATCH = _header("If-Match", "An ETag: the response is 412 if something changed since.")


def _mark(view: Any, header: dict[str, Any]) -> None:
    """Note for the OpenAPI document that a view honours a conditional header."""
    view._apidoc = {**view._apidoc, "match": header}


def _add_match(doc: dict[str, Any], info: Mapping[str, Any], **_more: Any) -> dict[str, Any]:
    if "match" in info:
        doc.setdefault("parameters", []).append(dict(info["match"]))
    return doc


def authenticate() -> None:
    """Authenticate the request and count it against the client's rate.

    A bearer token identifies its person, and cookies are then ignored. A session may read; writes by session also need
    the CSRF token, which no other site knows.
    """
    g.token = _bearer_token() if "Authorization" in request.headers else None
    if g.token is not None:
        app_context().api_limiter.take("api", f"token {g.token.id}")
    else:
        app_context().api_limiter.take("api", rate_limit_key())
    if request.method in SAFE:
        return
    if g.token is None:
        if account() is None:
            raise Unauthorized(_("Send a token (Authorization: Bearer hubs_me_…), or sign in."))
        current_app.extensions["csrf"].protect()
    elif g.token.scope != Scope.WRITE:
        raise NotAllowed(_("This token is read-only. Create one that can write on your account page."))


def _bearer_token() -> PersonalToken:
    """Return the token of the request and make its person the current one."""
    scheme, _blank, text = request.headers["Authorization"].partition(" ")
    try:
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthorized(_("Send the token as: Authorization: Bearer hubs_me_…"))
        token = tokens.find(db(), text.strip())
    except Unauthorized:
        app_context().api_limiter.take("api", address_key(request.remote_addr or ""))  # slows down guessing
        raise
    db().info[outbox.ORIGIN] = f"personal token {token.id}"
    g.account = token.user
    if db().is_modified(token):  # its time of last use, also if the request itself only reads
        db().commit()
    return token


def finish(answer: Response) -> Response:
    """Add an ETag to reads, and keep every response out of shared caches."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.update(("Authorization", "Cookie"))
    if request.method in ("GET", "HEAD") and answer.status_code == 200:
        answer.add_etag()
        answer.make_conditional(request)
    return answer


def locked(row: Row) -> Row:
    """Reload a row and lock it until the end of the request.

    :raises NotFound: if it has just been removed.
    """
    fresh = db().get(type(row), row.id, populate_existing=True, with_for_update=True)
    if fresh is None:
        raise NotFound(_("It has just been removed."))
    return fresh


def check_precondition(schema: type[Schema], current: Mapping[str, Any]) -> None:
    """Check ``If-Match`` against the current representation of a resource.

    :raises PreconditionFailed: if the client has read another version.
    """
    expected = request.if_match
    if not expected or expected.star_tag:
        return
    response = jsonify(schema().dump(current))
    response.add_etag()
    # nginx makes tags weak when it compresses; ours identify content, not bytes, so weak comparison is enough.
    if not expected.contains_weak(response.get_etag()[0] or ""):
        raise PreconditionFailed(_("It has changed since you read it. Read it again, then send your changes."))
