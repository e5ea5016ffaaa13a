"""What all resources of the API share: who asks, how often, what a body may be, and how answers are marked."""

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
from hubs.views.web.rate_limits import place_of

PREFIX = "/api/v1"
#: Largest number that a key of the database can have.
LARGEST = 2**31 - 1
#: Methods that change nothing.
SAFE = ("GET", "HEAD", "OPTIONS")
F = TypeVar("F", bound=Callable[..., Any])
Row = TypeVar("Row", Hub, Widget)


class Parser(FlaskParser):
    """Reads bodies and queries; what is wrong is said per field, as beside the fields of a form."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Return the body, which must be a JSON object."""
        return sent(req)

    def handle_error(self, error: ValidationError, *_args: Any, **_more: Any) -> NoReturn:
        """Say what is wrong in our own form."""
        places: Any = error.messages
        fields = {str(name): _sentence(told) for place in places.values() for name, told in place.items()}
        raise InvalidInput(_("Some fields need your attention."), fields)


def _sentence(told: Any) -> str:
    if isinstance(told, Mapping):
        return " ".join(_sentence(inner) for inner in told.values())
    return " ".join(str(one) for one in told) if isinstance(told, list) else str(told)


def sent(req: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    :raises InvalidInput: when there is none, or one that no database keeps: with a NUL or half a character.
    """
    if not req.is_json:
        raise InvalidInput(_("Send JSON, with the header Content-Type: application/json."))
    try:
        found = req.get_json(silent=True)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(_('The body is no JSON object. One looks like this: {"name": "value"}.'))
    _check(found)
    return found


def _check(found: Any) -> None:
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and not is_text(value):
            raise InvalidInput(_("A text contains characters that there are not; please remove them."))


def is_text(value: str) -> bool:
    """Tell whether a database can keep a text."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


class ApiBlueprint(Blueprint):
    """Resources of one kind; ``name`` is their heading in the documentation."""

    ARGUMENTS_PARSER = Parser()
    #: How one may come in to change something, as the document says it.
    ways: Sequence[Mapping[str, Sequence[str]]] = ({"token": []}, {"session": [], "form": []})

    def __init__(self, name: str, import_name: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, description=description)
        self._prepare_doc_cbks.append(_add_match)
        self.guard()

    def guard(self) -> None:
        """Let people in, and mark what they read."""
        self.before_request(enter)
        self.after_request(leave)

    def get_one(self, rule: str, schema: type[Schema], *fails: int) -> Callable[[F], F]:
        """Register a view that reads, with all that such a view may answer."""

        def register(view: F) -> F:
            for code in (304, 401, *fails, 429):
                view = self.alt_response(code, _NAMES[code])(view)
            view = self.response(200, schema, headers=ETAG)(view)
            _mark(view, IF_NONE_MATCH)
            return self.route(rule, methods=["GET"])(view)  # type: ignore[no-any-return]

        return register

    def act(
        self, method: str, rule: str, status: int, schema: type[Schema] | None, *fails: int, match: bool = False
    ) -> Callable[[F], F]:
        """Register a view that changes something; ``match`` where it looks at If-Match."""

        def register(view: F) -> F:
            for code in (400, 401, 403, *fails, 429, *([412] if match else [])):
                view = self.alt_response(code, _NAMES[code])(view)
            view = self.response(status, schema)(view)
            view = self.doc(security=list(self.ways))(view)
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
    413: HTTPStatus.REQUEST_ENTITY_TOO_LARGE.name,  # other versions of Python have another name for it
    429: "TOO_MANY_REQUESTS",
}
ETAG = {"ETag": {"description": "Changes with what is answered.", "schema": {"type": "string"}}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


IF_NONE_MATCH = _header("If-None-Match", "An ETag: 304 is answered where nothing changed since.")
IF_MATCH = _header("If-Match", "An ETag: 412 is answered where something changed since.")


def _mark(view: Any, header: dict[str, Any]) -> None:
    """Note for the document that a view looks at a header."""
    view._apidoc = {**view._apidoc, "match": header}


def _add_match(doc: dict[str, Any], info: Mapping[str, Any], **_more: Any) -> dict[str, Any]:
    if "match" in info:
        doc.setdefault("parameters", []).append(dict(info["match"]))
    return doc


def enter() -> None:
    """Find out who asks, whether they may come in this way, and not too often.

    A bearer token stands for its person, and then no cookie counts. A session may read; to write, the request must
    also carry the token of its forms, which no other site knows.
    """
    if not is_text(request.path):
        raise NotFound(_("There is nothing here."))
    if not all(is_text(name) and is_text(value) for name, value in request.args.items(multi=True)):
        raise InvalidInput(_("The query contains characters that there are not; please remove them."))
    g.token = _token() if "Authorization" in request.headers else None
    if g.token is not None:
        app_context().api_limiter.take("api", f"token {g.token.id}")
    else:
        app_context().api_limiter.take("api", rate_limit_key())
    if request.method in SAFE:
        return
    if g.token is None:
        if account() is None:
            raise Unauthorized(_("Send a token along (Authorization: Bearer hubs_me_…), or sign in."))
        current_app.extensions["csrf"].protect()
    elif g.token.scope != Scope.WRITE:
        raise NotAllowed(_("This token is for reading only. Make one that may write on the page of your account."))


def _token() -> PersonalToken:
    """Return the token that was sent along, and let its person ask."""
    scheme, _blank, text = request.headers["Authorization"].partition(" ")
    try:
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthorized(_("Send the token along as: Authorization: Bearer hubs_me_…"))
        found = tokens.find(db(), text.strip())
    except Unauthorized:
        app_context().api_limiter.take("api", place_of(request.remote_addr or ""))  # who guesses is slowed down
        raise
    db().info[outbox.ORIGIN] = f"personal token {found.id}"
    g.account = found.user
    if db().is_modified(found):
        db().commit()
    return found


def leave(answer: Response) -> Response:
    """Mark what was read with its fingerprint, and keep it out of shared caches."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.update(("Authorization", "Cookie"))
    if request.method in ("GET", "HEAD") and answer.status_code == 200:
        answer.add_etag()
        answer.make_conditional(request)
    return answer


def held(row: Row) -> Row:
    """Return a row as it is now, which nobody else changes until this request is over.

    :raises NotFound: when it was removed just now.
    """
    found = db().get(type(row), row.id, populate_existing=True, with_for_update=True)
    if found is None:
        raise NotFound(_("It was removed just now."))
    return found


def expect(schema: type[Schema], what: Mapping[str, Any]) -> None:
    """Let a write go on only if what is there is still what the sender read, where they say what that was.

    :raises PreconditionFailed: else.
    """
    wanted = request.if_match
    if not wanted or wanted.star_tag:
        return
    now = jsonify(schema().dump(what))
    now.add_etag()
    # nginx makes tags weak when it compresses; ours name content, not bytes, so that this loses nothing.
    if not wanted.contains_weak(now.get_etag()[0] or ""):
        raise PreconditionFailed(_("It changed since you read it. Read it again, and send what is new."))
