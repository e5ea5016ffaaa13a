"""The API's own description: an OpenAPI 3.1 document made from the code, and a page of it for people."""

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
    "Reads need nobody for what is public; else send a personal token along (`Authorization: Bearer hubs_me_…`), which "
    "you make on the page of your account. Lists come in pages: follow `next`. Errors are problem details (RFC 9457)."
)
#: How one may ask: as nobody, with a token, or with a session; writes with a session also carry its CSRF token.
_WAYS = {
    "token": {"type": "http", "scheme": "bearer", "description": "A personal token."},
    "session": {"type": "apiKey", "in": "cookie", "name": "hubs", "description": "The session of a browser."},
    "machine": {"type": "http", "scheme": "bearer", "description": "A token of the widget that a machine fills."},
    "form": {"type": "apiKey", "in": "header", "name": "X-CSRFToken", "description": "The token of its forms."},
}


class Described(Api):
    """Collects what the rooms say of themselves; errors are answered by our own handlers."""

    ERROR_SCHEMA = Problem

    def describe(self) -> None:
        """Add what is not in one room alone."""
        for name, way in _WAYS.items():
            self.spec.components.security_scheme(name, way)
        self.spec.options["security"] = [{}, {"token": []}, {"session": []}]

    def _register_error_handlers(self) -> None:
        """Leave them to `hubs.views.web.error_pages`."""

    def _register_responses(self) -> None:
        """Say that every error is a problem."""
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
    """Show the API to people."""
    found = document()
    rooms: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in found["tags"]}
    for path, operations in found["paths"].items():
        shared = operations.get("parameters", [])
        for method, one in operations.items():
            if method != "parameters":
                parameters = [*shared, *one.get("parameters", [])]
                shown = {"method": method.upper(), "path": path, **one, "parameters": parameters}
                rooms[one["tags"][0]].append({**shown, "fields": _fields(found, one)})
    about = {tag["name"]: tag["description"] for tag in found["tags"]}
    return render_template("api.html", rooms=rooms, about=about, ways=_WAYS, prefix=PREFIX)


def _fields(found: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return what the body of an operation may hold."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = found["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    properties: dict[str, Any] = named.get("properties", {})
    return properties


def options() -> dict[str, Any]:
    """Return what the document says at its top."""
    return {"info": {"description": _ABOUT}}
