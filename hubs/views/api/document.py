"""The API's documentation: an OpenAPI 3.1 document generated from the code, and a page that renders it."""

from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, render_template
from flask_smorest import Api
from werkzeug.datastructures import ImmutableDict

from hubs.views.api.base import PREFIX
from hubs.views.api.schemas import Problem

blueprint = Blueprint("api_document", __name__, url_prefix=PREFIX)
CONFIG = ImmutableDict(API_TITLE="Hubs", API_VERSION="1", OPENAPI_VERSION="3.1.0")
_ABOUT = (
    "Public data needs no authentication. For everything else send a personal token "
    "(`Authorization: Bearer hubs_me_…`), which you create on your account page. Lists are paginated: follow `next`. "
    "Errors are problem details (RFC 9457)."
)
#: Ways to authenticate; writes with a session also carry its CSRF token.
_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A personal token."},
    "session": {"type": "apiKey", "in": "cookie", "name": "hubs", "description": "A browser session."},
    "machine": {"type": "http", "scheme": "bearer", "description": "A token of a widget with external content."},
    "form": {"type": "apiKey", "in": "header", "name": "X-CSRFToken", "description": "The CSRF token of the session."},
}


class ApiDocument(Api):
    """Collects the descriptions of all API blueprints; errors are left to our own handlers."""

    ERROR_SCHEMA = Problem

    def describe(self) -> None:
        """Add what concerns all blueprints."""
        for name, scheme in _SECURITY_SCHEMES.items():
            self.spec.components.security_scheme(name, scheme)
        self.spec.options["security"] = [{}, {"token": []}, {"session": []}]

    def _register_error_handlers(self) -> None:
        """Do nothing: `hubs.views.web.error_pages` handles errors."""

    def _register_responses(self) -> None:
        """Document every error as a problem."""
        for status in HTTPStatus:
            self._error(status.name, status.phrase, empty=status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))
        self._error("DEFAULT_ERROR", "Any other problem")

    def _error(self, name: str, description: str, *, empty: bool = False) -> None:
        content = {} if empty else {"content": {"application/problem+json": {"schema": self.ERROR_SCHEMA}}}
        self.spec.components.response(name, {"description": description, **content}, lazy=True)


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the running application."""
    api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return cast("dict[str, Any]", api.spec.to_dict())


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    return jsonify(document())


@blueprint.get("/")
def docs() -> str:
    """Show the API's documentation."""
    spec = document()
    operations_by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in spec["tags"]}
    for path, operations in spec["paths"].items():
        shared = operations.get("parameters", [])
        for method, operation in operations.items():
            if method != "parameters":
                parameters = [*shared, *operation.get("parameters", [])]
                shown = {"method": method.upper(), "path": path, **operation, "parameters": parameters}
                operations_by_tag[operation["tags"][0]].append({**shown, "fields": _fields(spec, operation)})
    about = {tag["name"]: tag["description"] for tag in spec["tags"]}
    return render_template("api.html", operations_by_tag=operations_by_tag, about=about, prefix=PREFIX)


def _fields(spec: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an operation's JSON body."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = spec["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    properties: dict[str, Any] = named.get("properties", {})
    return properties


def options() -> dict[str, Any]:
    """Return the options of the document's head."""
    return {"info": {"description": _ABOUT}}
